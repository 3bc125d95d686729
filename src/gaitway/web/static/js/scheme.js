/** The colour scheme: automatic, light or dark, remembered; and the tokens as canvases need them. */
import {attr} from "./dom.js";

const ORDER = ["auto", "light", "dark"];
const LABELS = {auto: "automatic", light: "light", dark: "dark"};
const root = document.documentElement;
const listeners = new Set();
let tokens = new Map();

/** A token's value. Read once per scheme, never per frame. */
export function token(name) {
  if (!tokens.has(name)) tokens.set(name, getComputedStyle(root).getPropertyValue(`--${name}`).trim());
  return tokens.get(name);
}

/** Calls back after every change of colours; returns how to stop it. */
export function onScheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Makes a button switch the scheme: automatic, light, dark, and round again. */
export function schemeButton(button) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  label(button);
  button.addEventListener("click", () => {
    set(ORDER[(ORDER.indexOf(root.dataset.scheme ?? "auto") + 1) % ORDER.length]);
    label(button);
  });
}

function set(scheme) {
  if (scheme === "auto") delete root.dataset.scheme;
  else root.dataset.scheme = scheme;
  try {
    localStorage.setItem("gaitway.scheme", scheme);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
  changed();
}

function label(button) {
  const name = `Colour scheme: ${LABELS[root.dataset.scheme ?? "auto"]}`;
  attr(button, "aria-label", name);
  attr(button, "title", name);
}

function changed() {
  tokens = new Map();
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) meta.content = themeColor(meta);
  for (const listener of listeners) listener();
}

function themeColor(meta) {
  if (root.dataset.scheme) return token("bg");
  return meta.media.includes("dark") ? "#0E1413" : "#F4F5F2";
}
