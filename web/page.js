// The page's only script, run once by Gradio with `element` and `trigger` given. It moves nothing but
// focus, scroll and numbers: what is shown is made in Python.
const EVENTS = ["cite", "hit", "open", "example", "clear"];
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
  if (shown) scrollTo(column, shown, 0.3);
  else column.scrollTop = 0;
}

function scrollToLastQuestion() {
  const last = within("conversation", ".turns > section:last-child");
  if (last) scrollTo(document.getElementById("conversation"), last, 0.03);
}

document.addEventListener("click", (click) => {
  const tab = click.target.closest("[data-tab]");
  if (click.target.closest("#ask, [data-event], input[type=file]")) clearTrouble();
  if (tab && nav.contains(tab)) showTab(tab.dataset.tab);
  const button = click.target.closest("[data-event]");
  if (!button || !EVENTS.includes(button.dataset.event)) return;
  const { event, turn, number, document: id, question } = button.dataset;
  trigger(event, { turn: Number(turn), number: Number(number), document: id, question });
  showTab(event === "example" || event === "clear" ? "chat" : "source");
  scrollToShown(); // a second click on the same footnote changes nothing, but brings it back into view
});

// Trouble that Python never hears of is said in place, in the column where it happened.
function sayTrouble(column, sentence) {
  const line = document.createElement("p");
  line.className = "notice";
  line.setAttribute("role", "alert");
  line.textContent = sentence;
  within(column, ".trouble").replaceChildren(line);
}

function clearTrouble() {
  for (const place of document.querySelectorAll(".trouble")) place.replaceChildren();
}

document.addEventListener("keydown", (key) => {
  if (key.key === "Enter") clearTrouble();
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

// Gradio's own troubles (the server is gone, the line is full) come as passing toasts, which CSS hides.
function heedToast() {
  const pending = within("conversation", ".waiting");
  if (pending) pending.hidden = true;
  sayTrouble("chat", "Footnote did not answer; see whether it still runs in its terminal, then ask again.");
}

new MutationObserver((changes) => {
  const touched = (id) => changes.some(({ target }) => document.getElementById(id)?.contains(target));
  const added = changes.flatMap((change) => [...change.addedNodes]);
  if (touched("source")) scrollToShown();
  if (touched("conversation")) scrollToLastQuestion();
  if (added.some((node) => node.querySelector?.(".toast-body") || node.matches?.(".toast-body"))) heedToast();
  const picker = within("upload", "input[type=file]") ?? document.querySelector("input[type=file]");
  if (picker) picker.accept = nav.dataset.accept;
}).observe(document.body, { childList: true, subtree: true, characterData: true });
