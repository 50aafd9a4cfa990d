// The voices to choose from: those that come with valle, those that are kept, and one's own.

import { forget, voices } from "./api.js";

const OWN = "\u0000own"; // no voice can be called so

const by = (id) => document.getElementById(id);

export class VoicePicker {
  /** events: {tell, fail, chosen}. */
  constructor(events) {
    this.events = events;
    this.place = by("voices");
    this.place.addEventListener("change", () => this.events.chosen(this.own));
  }

  get chosen() {
    return this.place.querySelector("input:checked")?.value ?? "";
  }

  get own() {
    return this.chosen === OWN;
  }

  chooseOwn() {
    this.#choose(OWN);
  }

  /** Ask the server again; `name` is to be chosen then, or what was before. */
  async load(name = this.chosen) {
    const found = await voices();
    this.place.replaceChildren(...found.map((one) => this.#choice(one)),
                               this.#choice({ id: OWN, name: "New voice", kept: false }));
    this.#choose(name);
  }

  #choose(name) {
    const inputs = [...this.place.querySelectorAll("input")];
    const input = inputs.find((one) => one.value === name) ??
      inputs.find((one) => one.value === "clara") ?? inputs[0];
    input.checked = true;
    this.events.chosen(this.own);
  }

  #choice({ id, name, kept }) {
    const choice = by("voice-template").content.cloneNode(true).firstElementChild;
    const [input, label] = [choice.querySelector("input"), choice.querySelector("label")];
    input.value = id;
    input.id = label.htmlFor = id === OWN ? "voice-own" : `voice-${id}`;
    choice.querySelector(".name").textContent = name;
    choice.querySelector(".face").textContent = id === OWN ? "+" : name.charAt(0).toUpperCase();
    choice.classList.toggle("own", id === OWN);
    if (kept) choice.append(this.#remover(name, id));
    return choice;
  }

  #remover(name, id) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "remove quiet";
    button.textContent = "×";
    button.setAttribute("aria-label", `Delete the voice ${name}`);
    button.addEventListener("click", async () => {
      const question = `Delete the voice “${name}” from the server? It cannot be brought back.`;
      if (!await sure(question)) return;
      try {
        await forget(id);
        await this.load();
        this.place.querySelector("input:checked").focus();
        this.events.tell(`${name} is deleted.`);
      } catch (error) {
        this.events.fail(error);
      }
    });
    return button;
  }
}

function sure(question) {
  const dialog = by("ask");
  by("ask-text").textContent = question;
  dialog.showModal();
  by("ask-no").focus();
  return new Promise((resolve) => {
    const answer = (yes) => () => {
      dialog.onclose = null;
      dialog.close();
      resolve(yes);
    };
    by("ask-yes").onclick = answer(true);
    by("ask-no").onclick = answer(false);
    dialog.onclose = answer(false);
  });
}
