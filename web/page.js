// The page's script, run once by Gradio with `element` and `trigger` given. It moves nothing but
// focus, scroll and numbers: what is shown is made in Python.
// Each with the column that it leads to, where only one fits. Gradio looks for their names in quotes.
const EVENTS = {
  "cite": "source", "hit": "source", "open": "source", "example": "chat", "clear": "chat", "reopen": "chat",
  "rename": null, "delete": null, "remove": null, "judge": null, "answers": "chat", "stop": "chat", "look": null,
  "enough": null, "turn": null, "stay": null, "write": null, "earlier": null,
};
const nav = element.querySelector("nav");
const within = (id, selector) => document.querySelector(`#${id} ${selector}`);

function showTab(name) {
  document.body.dataset.tab = name;
  for (const button of nav.querySelectorAll("[data-tab]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tab === name));
  }
}

function scrollTo(scroller, node, share) {
  const { top, height } = scroller.getBoundingClientRect();
  scroller.scrollTop += node.getBoundingClientRect().top - top - height * share;
}

// The passage goes to the upper third of its column.
function scrollToShown() {
  const column = document.getElementById("source-column");
  const shown = document.getElementById("shown");
  if (shown?.offsetParent) scrollTo(column, shown, 0.3);
  else column.scrollTop = 0;
}

function scrollToLastQuestion() {
  const last = within("conversation", ".turns > section:last-child");
  if (last) scrollTo(document.getElementById("conversation"), last, 0.03);
}

// What a button or form stands for goes to Python.
function tell(node, more = {}) {
  const { event, turn, number, document: id, ...said } = node.dataset;
  if (!Object.hasOwn(EVENTS, event)) return;
  trigger(event, { ...said, turn: Number(turn), number: Number(number), document: id, ...more });
  if (EVENTS[event]) showTab(EVENTS[event]);
}

document.addEventListener("click", (click) => {
  const tab = click.target.closest("[data-tab]");
  if (click.target.closest("#ask, [data-event], input[type=file]")) clearTrouble();
  if (tab && nav.contains(tab)) showTab(tab.dataset.tab);
  const button = click.target.closest("button[data-event]");
  if (button) tell(button);
  if (button?.matches("[data-event=cite], [data-event=hit]")) scrollToShown(); // a second click changes nothing there
  const copied = click.target.closest("button[data-copy]");
  if (copied) copy(copied);
  if (click.target.closest(".untick")) untick();
  if (click.target.closest(".fold, .unfold")) document.body.classList.toggle("folded");
  if (click.target.closest(".view")) {
    document.body.classList.toggle("printed");
    scrollToShown();
  }
  const menu = document.querySelector(".past[open]");
  if (menu && !menu.contains(click.target)) menu.open = false;
});

document.addEventListener("submit", (sent) => {
  const form = sent.target.closest("form[data-event]");
  if (!form) return;
  sent.preventDefault();
  tell(form, Object.fromEntries(new FormData(form)));
});

async function copy(button) {
  const text = button.dataset.copy;
  const copied = navigator.clipboard ? await navigator.clipboard.writeText(text).then(() => true, () => false) : copyByHand(text);
  if (!copied) sayTrouble("chat", "The browser does not let the page copy; select the answer and copy it yourself.");
  button.textContent = copied ? "Copied" : "Copy";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

// Browsers give the clipboard to pages of this computer and of HTTPS only.
function copyByHand(text) {
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  return copied;
}

// A list of documents: which are asked alone, and which have a word in their name.
function tellTicked() {
  const ticked = [...document.querySelectorAll("#files input[type=checkbox]:checked")];
  trigger("tick", { documents: ticked.map((each) => each.dataset.document) });
}

function untick() {
  for (const box of document.querySelectorAll("#files input[type=checkbox]")) box.checked = false;
  tellTicked();
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("#files input[type=checkbox]")) tellTicked();
});

let wanted = "";

function find() {
  for (const item of document.querySelectorAll("#files li")) {
    item.hidden = !item.querySelector(".name").textContent.toLowerCase().includes(wanted);
  }
  const box = document.querySelector(".find");
  if (box && box.value.toLowerCase() !== wanted) box.value = wanted;
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches(".find")) return;
  wanted = target.value.toLowerCase();
  find();
});

// Words selected in the source, while an answer is said to be wrong, can be named as those that answer.
const answers = document.createElement("button");
answers.id = "answers";
answers.dataset.event = "answers";
answers.textContent = "This answers it";
answers.hidden = true;
document.body.append(answers);
let judged = ""; // the turn that was judged last

document.addEventListener("click", ({ target }) => {
  judged = target.closest("[data-event=judge]")?.dataset.turn ?? judged;
  if (target === answers) document.getSelection().removeAllRanges();
});

document.addEventListener("selectionchange", () => {
  const selection = document.getSelection();
  const source = document.querySelector(".source-text");
  const awaiting = [...document.querySelectorAll("[data-awaits]")].map((each) => each.dataset.awaits);
  const range = selection.rangeCount ? selection.getRangeAt(0) : null;
  const inside = source && range && source.contains(range.commonAncestorContainer);
  const words = inside ? range.cloneContents().textContent : "";
  answers.hidden = !words.trim() || !awaiting.length;
  if (answers.hidden) return;
  Object.assign(answers.dataset, {
    turn: awaiting.includes(judged) ? judged : awaiting.at(-1), document: source.dataset.document, quote: words,
  });
  const { bottom, left } = range.getBoundingClientRect();
  answers.style.top = `${Math.min(Math.max(bottom, 0) + 6, innerHeight - 48)}px`;
  answers.style.left = `${Math.min(Math.max(left, 8), innerWidth - 160)}px`;
});

// The card of the footnote that is pointed at or has the focus: what it quotes, and where that stands.
const card = document.createElement("aside");
card.id = "card";
card.setAttribute("aria-hidden", "true"); // the mark's own name says it
card.hidden = true;
card.append(document.createElement("q"), document.createElement("p"), document.createElement("cite"));
document.body.append(card);
let leaving = 0;

function showCard(mark) {
  clearTimeout(leaving);
  card.children[0].textContent = mark.dataset.quote;
  card.children[1].textContent = mark.dataset.named; // the cells after their heads, where the quote has none
  card.children[2].textContent = mark.dataset.where;
  card.hidden = false;
  const { left, top, bottom } = mark.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = card;
  const { right } = document.getElementById("chat").getBoundingClientRect(); // the source stays in sight
  card.style.left = `${Math.max(8, Math.min(left - 24, right - width - 8))}px`;
  card.style.top = `${bottom + height + 12 < innerHeight ? bottom + 4 : top - height - 4}px`;
}

function hideCard() {
  clearTimeout(leaving);
  card.hidden = true;
}

document.addEventListener("mouseover", ({ target }) => {
  const mark = target.closest(".mark");
  if (mark) showCard(mark);
  else if (card.contains(target)) clearTimeout(leaving);
});
document.addEventListener("mouseout", ({ target }) => {
  if (target.closest(".mark, #card")) leaving = setTimeout(hideCard, 150);
});
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".mark:focus-visible")) showCard(target);
  else hideCard();
});
document.addEventListener("scroll", () => {
  answers.hidden = true;
  const mark = document.activeElement;
  if (mark.matches(".mark:focus-visible") && !card.hidden) showCard(mark); // it was scrolled to
  else hideCard();
}, true);

// Trouble that Python never hears of is said in place, in the column where it happened.
function sayTrouble(column, sentence) {
  const line = document.createElement("p");
  line.className = "notice";
  line.setAttribute("role", "alert");
  line.textContent = misplaced() || sentence;
  within(column, ".trouble").replaceChildren(line);
}

function clearTrouble() {
  for (const place of document.querySelectorAll(".trouble")) place.replaceChildren();
}

// Why nothing that is asked here would arrive: a proxy has the page elsewhere than its server knows.
function misplaced() {
  const { origin, pathname } = new URL(gradio_config.root, location);
  const place = location.pathname.replace(/\/$/, "");
  if (new URL(origin).hostname !== location.hostname) {
    return "The proxy before this page changes the name of the computer (Host) that it is asked for; have it keep that.";
  }
  return place === pathname.replace(/\/$/, "") ? "" : place
    ? `A proxy has this page at ${place}; start Footnote with --root-path ${place}.`
    : `Footnote was started with --root-path ${pathname}, and this page is not there; open it there.`;
}

document.addEventListener("keydown", ({ key }) => {
  if (key === "Enter") clearTrouble();
  if (key === "Escape") {
    hideCard();
    document.querySelector(".past[open]")?.removeAttribute("open");
  }
}, true);

document.addEventListener("change", (change) => {
  if (change.target.type !== "file") return;
  clearTrouble();
  const megabytes = Number(nav.dataset.megabytes);
  const large = [...change.target.files].find((file) => file.size > megabytes * 2 ** 20);
  if (!large) return;
  change.stopImmediatePropagation();
  change.target.value = "";
  sayTrouble("documents", `${large.name} is larger than ${megabytes} MB; split it and add the parts.`);
}, true);

// Files dropped on the documents are added; dropped elsewhere they are not opened in place of the page.
const holdsFiles = (drag) => drag.dataTransfer.types.includes("Files"); // and not words on their way to the box
const isOverDocuments = (drag) => document.getElementById("documents").contains(drag.target);

document.addEventListener("dragover", (drag) => {
  if (!holdsFiles(drag)) return;
  drag.preventDefault();
  document.getElementById("documents").classList.toggle("over", isOverDocuments(drag));
});
document.addEventListener("dragleave", (drag) => {
  if (!drag.relatedTarget) document.getElementById("documents").classList.remove("over");
});
document.addEventListener("drop", (drop) => {
  if (!holdsFiles(drop)) return;
  drop.preventDefault();
  document.getElementById("documents").classList.remove("over");
  if (!isOverDocuments(drop)) return;
  const picker = document.querySelector("input[type=file]");
  picker.files = drop.dataTransfer.files;
  picker.dispatchEvent(new Event("change", { bubbles: true }));
});

// Gradio's own troubles (the server is gone, or has more to do than it keeps) come as passing toasts, which CSS hides.
function heedToast(toast) {
  const pending = within("conversation", ".waiting");
  if (pending) pending.hidden = true;
  sayTrouble("chat", toast.textContent.includes("busy")
    ? "More people are asking than can be answered now; ask again in a moment."
    : "Footnote did not answer; see whether it still runs in its terminal, then ask again.");
}

// The next part of a long document is fetched when its reader comes near the end of what is there.
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) readOn(target);
}, { rootMargin: "1500px 0px" });

async function readOn(more) {
  near.unobserve(more);
  const answer = await fetch(more.dataset.part).catch(() => null);
  const part = await answer?.text();
  if (!answer?.ok) {
    more.classList.add("notice");
    more.textContent = part ?? "Footnote did not answer; see whether it still runs in its terminal.";
    return;
  }
  const column = document.getElementById("source-column");
  const { scrollHeight, scrollTop } = column;
  more.outerHTML = part;
  if (more.matches(".before")) column.scrollTop = scrollTop + column.scrollHeight - scrollHeight;
  watcher.takeRecords(); // the column shows what it showed
  watchEnds();
}

function watchEnds() {
  for (const more of document.querySelectorAll(".more")) near.observe(more);
}

// A page that cannot be drawn is read as text.
document.addEventListener("error", async ({ target }) => {
  if (!target.matches?.(".picture")) return;
  const answer = await fetch(target.src).catch(() => null);
  if (answer?.ok) { // there was no room for it a moment ago
    target.src = URL.createObjectURL(await answer.blob());
    return;
  }
  const said = (await answer?.text()) ?? "Footnote did not answer.";
  const line = document.createElement("p");
  line.className = "notice";
  line.textContent = said;
  target.replaceWith(line);
  document.body.classList.remove("printed");
}, true);

// The conversation is drawn anew after each answer and each verdict: what its reader had open or was at stays so.
const unfolded = new Set();
let at = "";
let sections = 0;

document.addEventListener("toggle", ({ target }) => {
  if (!target.isConnected || !target.dataset.found) return;
  if (target.open) unfolded.add(target.dataset.found);
  else unfolded.delete(target.dataset.found);
}, true);

document.addEventListener("focusin", ({ target }) => {
  const { event, turn, verdict } = target.dataset ?? {};
  at = event === "judge" ? `[data-event=judge][data-turn="${turn}"][data-verdict="${verdict}"]` : "";
});

function keepPlace() {
  const now = Number(within("conversation", ".turns")?.dataset.turns ?? 0); // of which the last are drawn
  if (now < sections) unfolded.clear();
  if (now !== sections) scrollToLastQuestion();
  sections = now;
  for (const turn of unfolded) document.querySelector(`[data-found="${turn}"]`)?.setAttribute("open", "");
  if (at && document.activeElement === document.body) document.querySelector(at)?.focus();
}

const watcher = new MutationObserver((changes) => {
  const touched = (id) => changes.some(({ target }) => document.getElementById(id)?.contains(target));
  const added = changes.flatMap((change) => [...change.addedNodes]);
  if (misplaced() && !within("chat", ".trouble")?.hasChildNodes()) sayTrouble("chat", misplaced());
  if (touched("source")) {
    scrollToShown();
    watchEnds();
  }
  if (touched("conversation")) keepPlace();
  if (touched("files")) find();
  const way = touched("turning") && within("turning", "[data-goto]");
  // Once Gradio has closed what it asked with; but what is being typed is not left behind.
  if (way && !within("question", "textarea").value) setTimeout(() => location.assign(way.href), 100);
  const said = ".toast-message-item"; // a toast that is still there is given one more
  const toast = added.map((node) => node.matches?.(said) ? node : node.querySelector?.(said)).find(Boolean);
  if (toast) heedToast(toast);
  const picker = within("upload", "input[type=file]") ?? document.querySelector("input[type=file]");
  if (picker) picker.accept = nav.dataset.accept;
});
watcher.observe(document.body, { childList: true, subtree: true, characterData: true });
