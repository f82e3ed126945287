// Few words to those who do not see the page, and for those who do.

const place = document.getElementById("said");

export function say(words) {
  place.textContent = words;
}

let last = 0;
// Not more than once in ten seconds.
export function say_seldom(words) {
  if (performance.now() - last > 10_000) say(words);
  last = performance.now();
}
