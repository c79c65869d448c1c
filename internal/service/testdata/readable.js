// What keeps somebody from reading this page, one sentence each.
(() => {
  const problems = [];
  const wrong = (condition, sentence) => { if (condition) problems.push(sentence); };
  const all = (selector) => [...document.querySelectorAll(selector)];
  wrong(!/^[a-z]{2}/.test(document.documentElement.lang), "it names no language");
  wrong(!document.title.trim(), "it has no title");
  wrong(all("h1").length !== 1, `it has ${all("h1").length} first headings`);
  wrong(all("main").length !== 1, "it has not one main part");
  let last = 0;
  for (const h of all("h1, h2, h3, h4, h5, h6")) {
    const level = Number(h.tagName[1]);
    wrong(level > last + 1, `the heading "${h.textContent}" skips a level`);
    wrong(!h.textContent.trim(), "it has an empty heading");
    last = level;
  }
  for (const table of all("table")) {
    wrong(!table.querySelector("thead th"), "a table has no header row");
    for (const th of table.querySelectorAll("th")) wrong(!th.scope, `the header "${th.textContent.trim()}" says not what it is for`);
    const columns = table.querySelectorAll("thead th").length;
    for (const row of table.querySelectorAll("tbody tr")) wrong(row.cells.length !== columns, `a row has ${row.cells.length} cells under ${columns} headers`);
  }
  for (const image of all("img")) wrong(!image.hasAttribute("alt"), `${image.src} has no alternative text`);
  for (const named of all("[aria-labelledby]")) wrong(!document.getElementById(named.getAttribute("aria-labelledby")), "a label names nothing");
  const ids = all("[id]").map((e) => e.id);
  wrong(new Set(ids).size !== ids.length, `an id is used twice: ${ids}`);
  const skip = document.querySelector("a[href^='#']");
  wrong(!skip || !document.querySelector(skip.getAttribute("href")), "there is no way past the head of the page");
  const viewport = document.querySelector("meta[name=viewport]");
  wrong(!viewport || /user-scalable=no|maximum-scale/.test(viewport.content), "it cannot be made larger");
  // Contrast of text on its background (WCAG 1.4.3).
  const parse = (c) => c.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const f = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const seen = new Set();
  for (const e of all("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
    let under = e;
    while (under && (parse(getComputedStyle(under).backgroundColor)[3] ?? 1) === 0) under = under.parentElement;
    const back = under ? parse(getComputedStyle(under).backgroundColor) : [255, 255, 255];
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(getComputedStyle(e).fontSize);
    const key = `${e.tagName}.${e.className}`;
    if (ratio < (size >= 24 ? 3 : 4.5) && !seen.has(key)) {
      seen.add(key);
      problems.push(`"${e.textContent.trim().slice(0, 30)}" (${key}) has a contrast of ${ratio.toFixed(1)}`);
    }
  }
  return problems;
})();
