// Asks for the operators' token.

const dialog = document.getElementById("token");
const input = dialog.querySelector("input");
const wrong = dialog.querySelector(".wrong");

// Null: the person has given up.
export function ask_for_token(was_wrong) {
  return new Promise((resolve) => {
    wrong.hidden = !was_wrong;
    input.value = "";
    let said = null;
    dialog.querySelector("form").onsubmit = (e) => {
      e.preventDefault();
      const typed = input.value.trim();
      // Of what a token consists of (docs: admin.token_file). A header could not have anything else.
      if (typed && !/^[\x21-\x7e]{1,1024}$/.test(typed)) {
        wrong.hidden = false;
        return;
      }
      said = typed || null;
      dialog.close();
    };
    dialog.querySelector(".no").onclick = () => dialog.close();
    dialog.onclose = () => resolve(said);
    dialog.showModal();
  });
}
