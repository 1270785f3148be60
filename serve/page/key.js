/** Asks for an API key when the server wants one. */

import { say } from "./rows.js";

/** The dialog. */
export class KeyDialog {
  #dialog = document.getElementById("key");
  #input = document.getElementById("key-text");

  /**
   * @param {import("./api.js").Api} api gets the key
   * @param {() => void} given told when there is one
   */
  constructor(api, given) {
    this.api = api;
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault()); // nothing can be seen without
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      api.key = this.#input.value.replace(/[^!-~]/g, "");
      this.#input.value = "";
      this.#dialog.close();
      given();
    });
  }

  /** Ask, and say why. */
  ask() {
    say(document.getElementById("key-why"), this.api.key === null ? "" : "The server does not know that key.");
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.focus();
  }
}
