// The live page for everybody: small and large screens, keyboards, screen readers, no motion.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/system/live_page.h"

namespace hangup::system_test {
namespace {

// What is wrong with a page for people who cannot see it or point at it, as far as a few lines find
// it. axe-core finds more, where it is there.
constexpr const char* by_hand = R"((() => {
  const faults = [];
  const all = (what) => [...document.querySelectorAll(what)];
  const text = (e) => e ? e.textContent.trim() : "";
  for (const e of all("button, a, input, [tabindex]")) {
    const name = e.getAttribute("aria-label") || text(e) || text(e.closest("label")) ||
      text(document.getElementById(e.getAttribute("aria-labelledby")));
    if (!name) faults.push("no name: " + e.outerHTML.slice(0, 100));
  }
  const ids = all("[id]").map((e) => e.id);
  for (const id of new Set(ids)) {
    if (ids.filter((other) => other === id).length > 1) faults.push("twice: " + id);
  }
  for (const e of all("[aria-labelledby]")) {
    if (!document.getElementById(e.getAttribute("aria-labelledby"))) faults.push("no label: " + e.id);
  }
  for (const e of all("th")) if (!e.scope) faults.push("th without scope: " + text(e));
  let before = 0;
  for (const e of all("h1, h2, h3")) {
    const level = Number(e.tagName[1]);
    if (!e.closest("dialog") && level > before + 1) faults.push("heading skips: " + text(e));
    before = level;
  }
  // Text against what is behind it, WCAG 2.1 1.4.3.
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  for (const e of all("p, h1, h2, h3, button:enabled, dt, dd, th, td, .words, .number, .target, code, li")) {
    if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(channels(getComputedStyle(e).color)), light(behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${e.className} ${text(e).slice(0, 40)}`);
  }
  return faults.join("\n");
})())";

TEST_F(live_page, fits_a_telephone_and_a_wall_and_can_be_read_in_light_and_dark) {
  const auto tab = open();
  at_all_sizes(tab, [&](int width) {
    EXPECT_EQ(value(tab, "document.documentElement.scrollWidth <= innerWidth"), true) << width;
    EXPECT_EQ(value(tab, by_hand), "") << width;
  });
}

TEST_F(live_page, has_no_fault_that_axe_core_finds) {
  const auto* const axe = "tests/system/axe-core/axe.min.js";
  std::ostringstream source;
  source << std::ifstream(axe).rdbuf();
  const auto tab = open();
  value(tab, source.str() + "\n;0");
  ASSERT_EQ(value(tab, "typeof axe"), "object") << axe;
  const auto look = [&](const std::string& what) {
    EXPECT_EQ(value(tab, "axe.run(" + what +
                             ").then(r => r.violations.flatMap(v => v.nodes.map("
                             "n => v.id + ': ' + n.html.slice(0, 120))).join('\\n'))"),
              "");
  };
  at_all_sizes(tab, [&](int) { look("document"); });
  value(tab, "document.getElementById('token').showModal()");
  look("'#token'");
  value(tab, "document.getElementById('token').close()");
  const std::string end = "document.querySelector('.lane .end:not(:disabled)')";
  press(tab, "Start: Simulated query");  // what was started first may have ended
  ASSERT_TRUE(holds(tab, end));
  value(tab, end + ".click()");
  ASSERT_TRUE(holds(tab, "document.getElementById('ask').open"));
  look("'#ask'");
}

TEST_F(live_page, can_be_used_by_keyboard_alone) {
  const auto tab = open();
  press(tab, "Start: Simulated query");
  ASSERT_TRUE(holds(tab, lane("/query/sim")));
  const auto key = [&](const char* name, int code, const char* text) {
    for (const auto* const type : {"keyDown", "keyUp"}) {
      browser_->command(tab, "Input.dispatchKeyEvent",
                        {{"type", type},
                         {"key", name},
                         {"code", name},
                         {"windowsVirtualKeyCode", code},
                         {"text", text}});
    }
  };
  bool reached = false;
  for (int i = 0; i < 60 && !reached; ++i) {
    key("Tab", 9, "");
    reached = value(tab, "document.activeElement.className === 'name'") == true;
  }
  ASSERT_TRUE(reached) << "the lane has the focus";
  EXPECT_TRUE(holds(tab, "document.getElementById('details').innerText.includes('/query/sim')"));
  key("Enter", 13, "\r");
  EXPECT_TRUE(holds(tab, "document.activeElement.getAttribute('aria-pressed') === 'true'"));
  key("Tab", 9, "");
  EXPECT_TRUE(
      holds(tab, "document.activeElement.getAttribute('aria-label')?.startsWith('End request ')"));
  key("Enter", 13, "\r");
  EXPECT_TRUE(holds(tab, "document.getElementById('ask').open"));
  key("Escape", 27, "");
  EXPECT_TRUE(holds(tab, "!document.getElementById('ask').open"));
  key("Enter", 13, "\r");
  EXPECT_TRUE(holds(tab, "document.getElementById('ask').open"));
  key("Enter", 13, "\r");
  EXPECT_TRUE(lane_says(tab, "/query/sim", "ended by an operator"))
      << "Enter in its field sends it";
  EXPECT_EQ(errors(false), "");
}

TEST_F(live_page, does_nothing_for_people_who_do_not_want_motion_but_a_step_now_and_then) {
  const auto tab = open();
  prefer(tab, "prefers-reduced-motion", "reduce");
  press(tab, "Start: Simulated query");
  ASSERT_TRUE(holds(tab, lane("/query/sim")));
  const auto asked = value(tab, R"(new Promise((done) => {
    let count = 0;
    const real = window.requestAnimationFrame;
    window.requestAnimationFrame = (f) => { ++count; return real(f); };
    setTimeout(() => { window.requestAnimationFrame = real; done(count); }, 1500);
  }))");
  EXPECT_LE(asked, 2) << "frames in a second and a half";
}

}  // namespace
}  // namespace hangup::system_test
