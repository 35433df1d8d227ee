"use strict";
// What the page does beyond being read: filters, order, and the sheet that opens
// behind a cell. Text of servers is only ever written as text; the page's policy
// forbids markup made by a script.

const $ = (id) => document.getElementById(id);
const matrix = $("matrix"), sheet = $("sheet"), filters = $("filters");
document.documentElement.classList.add("live");

// make creates an element with a class, and children that are elements or text.
function make(tag, name, ...children) {
  const e = document.createElement(tag);
  if (name) e.className = name;
  e.append(...children.filter((c) => c !== null && c !== ""));
  return e;
}

// ---- The matrix as the script sees it ----

const head = matrix ? matrix.querySelector(".head") : null;
const given = matrix ? [...matrix.querySelectorAll(".row:not(.head)")] : [];
const columns = head ? [...head.querySelectorAll(".g > *")].map((e, i) => ({
  head: e, id: e.textContent, at: i, group: e.parentNode.dataset.group,
  place: [...e.parentNode.children].indexOf(e) + 1,
})) : [];
let rows = given.slice(); // in the order that is shown
let shownColumns = columns.slice();
const known = new Map(); // row to its cells, read when first needed

function cells(row) {
  if (row === head) return columns.map((c) => c.head);
  if (!known.has(row)) known.set(row, [...row.querySelectorAll("[role=gridcell]")]);
  return known.get(row);
}
const shownRows = () => rows.filter((r) => !r.hidden);
const columnOf = (id) => columns.find((c) => c.id === id);
const rowOf = (number) => given.find((r) => r.dataset.number === String(number));
const nameOf = (row) => row.querySelector("bdi").textContent;
const has = (cell, words) => words.some((w) => cell.classList.contains(w));

// ---- Filters and order ----

const rules = new CSSStyleSheet(); // which columns are hidden and which cells faded
document.adoptedStyleSheets = [rules];
const checked = (name) => [...filters.querySelectorAll(`[name=${name}]:checked`)].map((e) => e.value);
const valueOf = (id) => ($(id) ? $(id).value : "");

function filter() {
  const verdicts = checked("verdict"), groups = checked("group");
  const text = valueOf("text").trim().toLowerCase(), platform = valueOf("platform");
  const inGroups = columns.filter((c) => groups.length === 0 || groups.includes(c.group));
  const found = new Set();
  for (const row of rows) {
    const about = row.querySelector(".who").textContent.toLowerCase() + " " + row.dataset.platform.toLowerCase();
    let shown = about.includes(text) && (platform === "" || row.dataset.platform === platform);
    if (shown && verdicts.length > 0) {
      const mine = inGroups.filter((c) => has(cells(row)[c.at], verdicts));
      mine.forEach((c) => found.add(c));
      shown = mine.length > 0;
    }
    row.hidden = !shown;
  }
  shownColumns = verdicts.length > 0 ? inGroups.filter((c) => found.has(c)) : inGroups;
  hideColumns(verdicts);
  const many = (n, of, noun) => `${n} of ${of} ${noun}${of === 1 ? "" : "s"}`;
  $("shown").textContent = `${many(shownRows().length, given.length, "receiver")}, ${many(shownColumns.length, columns.length, "check")} shown`;
  rove();
}

function hideColumns(verdicts) {
  const shown = new Set(shownColumns);
  const text = columns.filter((c) => !shown.has(c)).map((c) =>
    `#matrix [data-group="${c.group}"] > :nth-child(${c.place}), .numbers li:nth-child(${c.at + 1})`);
  const left = new Set(shownColumns.map((c) => c.group));
  for (const g of new Set(columns.map((c) => c.group))) if (!left.has(g)) text.push(`#matrix [data-group="${g}"]`);
  const hidden = text.length > 0 ? `${text.join(", ")} { display: none !important; }` : "";
  const faded = verdicts.length > 0 ? `#matrix [role=gridcell]:not(${verdicts.map((v) => "." + v).join(", ")}) { opacity: .22; }` : "";
  rules.replaceSync(hidden + faded);
}

const severity = ["broken", "lenient", "overstrict", "deviant", "dropped", "strict", "correct", "inconclusive", "not-applicable", "not-run"];
const rank = (cell) => severity.findIndex((v) => cell.classList.contains(v));
const byText = (key) => (a, b) => a.dataset[key].localeCompare(b.dataset[key]);
const byNumber = (key, sign) => (a, b) => sign * (Number(a.dataset[key]) - Number(b.dataset[key]));
const orders = {
  given: () => 0, score: byNumber("score", -1), lenient: byNumber("score", 1),
  violations: byNumber("violations", -1), host: byText("host"), platform: byText("platform"),
};

function order(compare, column) {
  columns.forEach((c) => c.head.removeAttribute("aria-sort"));
  if (column) column.head.setAttribute("aria-sort", "other");
  rows = given.slice().sort(compare);
  matrix.append(...rows);
  rove();
}

function orderByCheck(column) {
  order((a, b) => rank(cells(a)[column.at]) - rank(cells(b)[column.at]) ||
    cells(a)[column.at].textContent.localeCompare(cells(b)[column.at].textContent), column);
  $("shown").textContent = `Sorted by ${column.id}: broken and lenient first`;
}

// ---- The keyboard: one stop for Tab, arrows within ----

let current = null;

function rove(to) {
  const next = to || (current && current.isConnected && visible(current) ? current : (shownRows()[0] || head).querySelector(".who"));
  if (current) current.removeAttribute("tabindex");
  current = next;
  current.tabIndex = 0;
}

function visible(e) {
  const row = e.closest(".row"), at = cells(row).indexOf(e);
  return !row.hidden && (at < 0 || shownColumns.some((c) => c.at === at));
}

function step(key, far) {
  const lines = [head, ...shownRows()], places = [-1, ...shownColumns.map((c) => c.at)];
  const row = current.closest(".row");
  let y = Math.max(0, lines.indexOf(row)), x = Math.max(0, places.indexOf(cells(row).indexOf(current)));
  const tall = matrix.classList.contains("tall");
  const moves = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    PageUp: [0, -10], PageDown: [0, 10], Home: [-1e6, far ? -1e6 : 0], End: [1e6, far ? 1e6 : 0],
  };
  if (!moves[key]) return false;
  const [dx, dy] = tall ? [moves[key][1], moves[key][0]] : moves[key];
  x = Math.min(places.length - 1, Math.max(0, x + dx));
  y = Math.min(lines.length - 1, Math.max(0, y + dy));
  const target = places[x] < 0 ? lines[y].querySelector(".who") : cells(lines[y])[places[x]];
  rove(target);
  target.focus();
  target.scrollIntoView({ block: "nearest", inline: "nearest" });
  return true;
}

// ---- The sheet ----

const dossiers = new Map();
const loaded = new Promise((done) => addEventListener("DOMContentLoaded", done)); // dossiers stand behind the script

// dossier unpacks what is known of a receiver, once.
function dossier(number) {
  if (!dossiers.has(number)) dossiers.set(number, loaded.then(() => unpack($("dossier-" + number).textContent)));
  return dossiers.get(number);
}

async function unpack(block) {
  const octets = Uint8Array.from(atob(block), (c) => c.charCodeAt(0));
  const text = new Blob([octets]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(text).json();
}

let place = null; // what the sheet shows: {number, column}, of a receiver and a check, or one of them
let turn = 0; // of showing: what comes late to another turn is thrown away

// open shows the sheet of a cell, of a receiver, or of a check.
async function open(at) {
  place = at;
  const mine = ++turn;
  let content, title = "";
  try {
    const all = at.number ? await dossier(at.number) : null;
    if (all) title = all.host;
    content = !all ? checkSheet(at.column) : at.column ? cellSheet(at, all) : receiverSheet(at.number, all);
  } catch (e) {
    content = [make("p", "notice", "This browser cannot unpack what is behind the cell: " + e.message)];
  }
  if (mine !== turn) return;
  $("sheet-title").replaceChildren(at.column ? at.column.id : title);
  $("sheet-body").replaceChildren(...content);
  if (!sheet.open) sheet.showModal();
  sheet.scrollTop = 0;
  $("sheet-title").focus();
  const where = at.number ? `#r${at.number}/${at.column ? at.column.id : ""}` : `#check/${at.column.id}`;
  history.replaceState(null, "", where);
}

function neighbour(by) {
  const list = place.column ? shownColumns : shownRows().map((r) => r.dataset.number);
  const at = list.indexOf(place.column || place.number), next = list[at + by];
  if (at >= 0 && next) open(place.column ? { number: place.number, column: next } : { number: next });
}

// chip is a cell in words; the style puts the verdict's mark before it.
function chip(tag, cell) {
  const [verdict, ...more] = cell.classList;
  const words = [verdict, cell.textContent].filter(Boolean).join(" ") + more.map((m) => m === "violates" ? ", violates a MUST" : ", " + m).join("");
  return make(tag, "verdict " + verdict, words);
}

// rule is the catalogue's page of a check, with the meaning of a verdict marked.
function rule(id, verdict) {
  const page = $("check-" + id).cloneNode(true);
  page.removeAttribute("id");
  page.querySelector("h4").remove();
  page.querySelectorAll(".meaning").forEach((m) => m.classList.toggle("here", m.dataset.verdict === verdict));
  return page;
}

function cellSheet({ number, column }, all) {
  const row = rowOf(number), cell = all.cells[column.id];
  const facts = make("p", "facts", row ? chip("span", cells(row)[column.at]) : null, make("bdi", "", all.host));
  if (!cell) return [facts, make("p", "", "The check was not run with this receiver.")];
  const verdict = cell.verdict;
  if (cell.says) facts.append(make("span", "", `${cell.says}, level ${cell.level}`));
  if (cell.tls) facts.append(make("span", "", "inside TLS"));
  const said = make("div", "");
  if (cell.consequence) said.append(make("p", "", make("b", "", "For a sender: "), cell.consequence + "."));
  if (cell.reason) said.append(make("p", "", make("b", "", "Why: "), cell.reason));
  if (cell.agreed) said.append(make("p", "", make("b", "", "Runs: "), cell.agreed));
  for (const d of cell.departures || []) said.append(make("p", "", make("b", "", "State machine: "), d));
  const talk = make("section", "", make("h3", "", "What was said"), ladder(cell));
  return [facts, said, make("div", "columns", talk, make("section", "", make("h3", "", "The rule"), rule(column.id, verdict)))];
}

function receiverSheet(number, all) {
  const list = make("dl", "");
  for (const [name, text] of all.facts) list.append(make("dt", "", name), make("dd", "", text));
  const content = [list];
  const drawing = $("machine").cloneNode(true);
  drawing.removeAttribute("id");
  depart(drawing, number);
  const departs = [...new Set(Object.values(all.cells).flatMap((c) => c.departures || []))];
  content.push(make("h3", "", "The reference state machine, and its departures"), drawing,
    departs.length > 0 ? make("ul", "", ...departs.map((d) => make("li", "", d))) : make("p", "", "No reply was heard that leads elsewhere."));
  if (!rowOf(number)) {
    content.push(make("h3", "", "Checks"), make("ul", "", ...Object.entries(all.cells).map(([id, c]) => make("li", "", `${id}: ${c.verdict}${c.reason ? ", " + c.reason : ""}`))));
  }
  if (all.controls.length > 0) content.push(make("h3", "", "Controls"), make("p", "", "The same commands in their legal places, without which no verdict stands."));
  for (const c of all.controls) {
    const more = make("details", "", make("summary", "", c.id + (c.run ? ` in run ${c.run}` : "")));
    more.addEventListener("toggle", () => more.append(ladder(c)), { once: true });
    content.push(more);
  }
  return content;
}

function checkSheet(column) {
  const list = make("ul", "");
  for (const row of shownRows()) {
    const cell = cells(row)[column.at], go = chip("button", cell);
    go.addEventListener("click", () => open({ number: row.dataset.number, column }));
    list.append(make("li", "", go, " ", make("bdi", "", nameOf(row))));
  }
  const content = [rule(column.id, "")];
  if (given.length > 1) {
    const sort = make("button", "", "Sort the receivers by this check");
    sort.addEventListener("click", () => { orderByCheck(column); sheet.close(); });
    content.push(make("p", "", sort));
  }
  return [...content, make("h3", "", "Receivers"), list];
}

// ---- The ladder ----

const tags = {
  test: "the command under test", disturb: "what must, or must not, end the transaction", "is-open": "is a transaction open?",
  control: "the control: a command in its legal place", decided: "the reply that decided",
};
const unfinished = /^\d{3}-/; // a reply line behind which more follow

function ladder({ tenths, events }) {
  if (events.length === 0) return make("p", "", "Nothing was exchanged.");
  const list = make("ol", "ladder", make("li", "ends", make("span", "ms", "ms"), make("span", "lane", make("span", "", "client"), make("span", "", "server"))));
  const begins = events.findIndex((e) => e[0] === "probe" && e[2].startsWith("check begins"));
  let last = null; // the rung of a reply whose lines are not all there yet
  let at = 0;
  events.forEach(([who, mark, ...lines], i) => {
    at += tenths[i];
    const codes = lines.map((l) => make("code", "", l));
    if (last && who === "server") {
      last.before(...codes);
    } else {
      const arrow = who === "probe" ? null : make("span", "arrow");
      const lane = make("div", "lane", mark ? make("span", "tag", tags[mark]) : null, ...codes, arrow);
      const rung = make("li", [who, mark, i < begins ? "before" : ""].join(" ").trim(), make("span", "ms", (at / 10).toFixed(1)), lane);
      rung.setAttribute("aria-label", `${{ client: "client", server: "server", probe: "note" }[who]}: ${mark ? tags[mark] + ": " : ""}${lines.join(" ")}`);
      list.append(rung);
      last = arrow;
    }
    if (who !== "server" || !unfinished.test(lines[0])) last = null;
  });
  return list;
}

// depart leaves of a drawing or a table the departures of one receiver; of all
// where none is named.
function depart(within, number) {
  for (const e of within.querySelectorAll("[data-receivers]")) {
    const hide = number !== "" && !e.dataset.receivers.includes(` ${number} `);
    if (hide) e.setAttribute("hidden", ""); else e.removeAttribute("hidden");
  }
}

// ---- What people do ----

function placeOf(e) {
  const target = e.closest("#matrix [role=gridcell], #matrix [role=columnheader], #matrix [role=rowheader]");
  if (!target) return null;
  const row = target.closest(".row"), column = columns[cells(row).indexOf(target)];
  if (row === head) return column ? { target, column } : null;
  return { target, number: row.dataset.number, column };
}

function follow() {
  const [, number, id] = /^#r(\d+)\/(.*)$/.exec(decodeURI(location.hash)) || [];
  if (number && $("dossier-" + number)) open({ number, column: columnOf(id) });
}

function closed() {
  history.replaceState(null, "", "#matrix");
  const row = place.number && rowOf(place.number);
  if (place.number && !row) return; // it has no place in the matrix
  const to = row ? (place.column ? cells(row)[place.column.at] : row.querySelector(".who")) : place.column.head;
  if (visible(to)) rove(to);
  current.focus();
}

if (matrix) {
  matrix.addEventListener("click", (e) => { const at = placeOf(e.target); if (at) { rove(at.target); open(at); } });
  matrix.addEventListener("keydown", (e) => {
    if (e.key === "Enter" || e.key === " ") { const at = placeOf(e.target); if (at) { e.preventDefault(); open(at); } }
    else if (!e.altKey && !e.metaKey && step(e.key, e.ctrlKey)) e.preventDefault();
  });
  filters.addEventListener("input", (e) => { if (e.target.id === "sort") order(orders[e.target.value]); else filter(); });
  filters.addEventListener("submit", (e) => e.preventDefault());
  filters.addEventListener("reset", () => setTimeout(() => { order(orders.given); filter(); }));
  $("turn").addEventListener("click", () => { matrix.classList.toggle("tall"); matrix.classList.toggle("wide"); });
  rove();
}
$("back").addEventListener("click", () => neighbour(-1));
$("forth").addEventListener("click", () => neighbour(1));
$("close").addEventListener("click", () => sheet.close());
sheet.addEventListener("click", (e) => { if (e.target === sheet) sheet.close(); });
sheet.addEventListener("close", closed);
if ($("departing")) $("departing").addEventListener("input", (e) => depart($("machine").parentNode, e.target.value));
addEventListener("hashchange", follow);
loaded.then(follow);
