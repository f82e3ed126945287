// Words and numbers as they are shown. What strangers have sent is made visible and short here, and
// is only ever given to textContent.

const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

// Controls, also those that turn the direction of text around, as escapes: "\u202e".
export function visible(text) {
  return String(text ?? "").replace(unseen, (c) => {
    const code = c.codePointAt(0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

// At most so many characters, and how long the whole is.
export function shortened(text, bytes = 0, most = 160) {
  const all = visible(text);
  const length = Math.max(bytes, all.length);
  return all.length <= most && length <= Math.max(most, all.length)
    ? all
    : `${all.slice(0, most)}… (${grouped(length)} bytes)`;
}

export function grouped(number) {
  return Math.round(number).toLocaleString("en");
}

// 23 µs, 1.24 ms, 3.4 s, 2 min 5 s
export function duration(us) {
  if (us == null || !Number.isFinite(us)) return "–";
  if (us < 1000) return `${us < 10 ? us.toFixed(1) : Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 1e4 ? 2 : us < 1e5 ? 1 : 0)} ms`;
  if (us < 60e6) return `${(us / 1e6).toFixed(1)} s`;
  const s = Math.round(us / 1e6);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${grouped(Math.floor(s / 3600))} h ${Math.floor((s % 3600) / 60)} min`;
}

// For a POSIX shell.
export function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
