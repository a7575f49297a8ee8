// What the pages do beyond plain forms: the counter, the preview, saving without leaving, and the keyboard.
// Without it every form works; nothing here knows a rule that the server does not hold.

const form = document.querySelector("#editor");
const follow = (id) => document.querySelector(id)?.click();

document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key === "ArrowDown") {
    event.preventDefault();
    form ? follow("#next") : moveInList(1);
  } else if (event.altKey && event.key === "ArrowUp") {
    event.preventDefault();
    form ? follow("#previous") : moveInList(-1);
  }
});

/** From string to string in a list, by focus. */
function moveInList(step) {
  const links = [...document.querySelectorAll(".strings tbody th a")];
  const now = links.indexOf(document.activeElement);
  links[now < 0 ? 0 : Math.min(links.length - 1, Math.max(0, now + step))]?.focus();
}

/** Forms whose work takes longer the larger a title is say so, and are sent once. */
for (const busy of document.querySelectorAll("form[data-busy]")) {
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  busy.append(said);
  busy.addEventListener("submit", (event) => {
    if (said.textContent) {
      event.preventDefault();
    }
    said.className = "notice";
    said.textContent = busy.dataset.busy;
  });
  addEventListener("pageshow", () => {
    said.className = "";
    said.textContent = "";
  });
}

/** A picture that cannot be had leaves its place to the background. */
for (const picture of document.querySelectorAll(".icon img")) {
  const drop = () => picture.remove();
  picture.addEventListener("error", drop);
  if (picture.complete && !picture.naturalWidth) {
    drop();
  }
}

if (form) {
  const text = form.elements.text;
  const counter = form.querySelector("#counter");
  const said = form.querySelector("#said");
  const begun = text.value;
  let isLeaving = false;

  /** Code points, as the server counts them. */
  const show = () => {
    if (counter.dataset.limit) {
      const length = [...text.value].length;
      counter.querySelector("b").textContent = length;
      counter.classList.toggle("over", length > Number(counter.dataset.limit));
    }
    for (const live of document.querySelectorAll("[data-live]")) {
      live.textContent = text.value || live.dataset.live;
      if (text.value) {
        live.lang = text.lang;
        live.dir = text.dir;
      }
    }
  };

  /** Say what came of it, to the eye and to screen readers. */
  const say = (kind, words) => {
    const line = document.createElement("p");
    line.className = kind;
    line.textContent = words;
    line.lang = "en";
    line.dir = "ltr";
    said.replaceChildren(line);
    text.setAttribute("aria-invalid", String(kind === "problem"));
  };

  const leave = (go) => {
    isLeaving = true;
    go();
  };

  /** The first button is what the caller may do: save, or suggest. A conflict is left to the server's page. */
  const saveAndGoOn = async () => {
    const button = form.querySelector("button.main");
    if (!button || form.dataset.isSaving) {
      return;
    }
    form.dataset.isSaving = "yes";
    // `form.action` is the buttons of that name.
    const fields = new URLSearchParams(new FormData(form, button));
    try {
      const answer = await fetch(form.getAttribute("action"), {
        method: "PUT",
        body: fields,
        headers: { "If-Match": form.dataset.tag, "X-Form-Key": form.elements.form_key.value },
      });
      if (answer.status === 409) {
        leave(() => form.requestSubmit(button));
        return;
      }
      const found = await answer.json();
      if (answer.ok) {
        leave(() => location.assign(found.next));
      } else {
        say("problem", found.detail);
      }
    } catch (error) {
      say("problem", `Not saved: ${error.message}`);
    } finally {
      delete form.dataset.isSaving;
    }
  };

  text.addEventListener("input", show);
  form.addEventListener("submit", () => leave(() => {}));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      saveAndGoOn();
    }
  });
  addEventListener("beforeunload", (event) => {
    if (!isLeaving && text.value !== begun) {
      event.preventDefault();
    }
  });
  text.setSelectionRange(text.value.length, text.value.length);
  show();
}
