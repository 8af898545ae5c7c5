// Asks for what is new while somebody looks, says when nobody answers, and words times as people do.
"use strict";

const LOST = "Not live: no answer";

function words(seconds) {
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) {
      return new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(-Math.floor(seconds / size), unit);
    }
  }
  return "just now";
}

function word_times(within) {
  for (const time of within.querySelectorAll("time[data-ago]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const said = words((Date.now() - at) / 1000);
    if (time.textContent !== said) time.textContent = said;
    if (!time.title) time.title = at.toLocaleString();
  }
}

function say(text, lost) {
  const pulse = document.getElementById("pulse");
  if (!pulse || pulse.textContent === text) return;
  pulse.textContent = text;
  pulse.classList.toggle("lost", lost);
}

let asked = 0;

function look(now) {
  const poll = document.getElementById("poll");
  if (!poll || document.hidden) return;
  if (now - asked < 1000 * Number(poll.dataset.every) - 100) return;
  asked = now;
  htmx.trigger(poll, "look");
}

document.addEventListener("DOMContentLoaded", () => {
  word_times(document);
  asked = performance.now();
  const tick = () => { look(performance.now()); word_times(document); };
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
});
document.addEventListener("htmx:afterSettle", () => {
  word_times(document);
  // A night has more trials than anybody scrolls through.
  document.querySelectorAll("#feed > li:nth-child(n+201)").forEach((row) => row.remove());
});
document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) say("Not live: log in again", true);
  else if (status === 0 || status >= 400) say(LOST, true);
  else say("", false);
});
