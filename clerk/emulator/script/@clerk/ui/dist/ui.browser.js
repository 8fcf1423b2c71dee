// A small stand-in for @clerk/ui 1: the components that Clerk.mount… show when
// this was given to Clerk.load as ui.ClerkUI. Every user of the development
// instance is one click away; no password is asked for.
(() => {
  "use strict";

  const stylesheet = new URL("../../../../style.css", document.currentScript.src).href;

  // element makes an element of attributes and of children, which are elements
  // or text.
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function addStylesheet() {
    if (document.querySelector(`link[href="${stylesheet}"]`)) return Promise.resolve();
    const link = element("link", { rel: "stylesheet", href: stylesheet });
    document.head.append(link);
    return new Promise((loaded) => { link.onload = link.onerror = loaded; });
  }

  function nameOf(user) {
    return user.fullName ?? user.username ?? user.primaryEmailAddress?.emailAddress ?? user.id;
  }

  function initials(user) {
    const words = nameOf(user).split(/[\s@]+/).filter(Boolean);
    return words.slice(0, user.fullName ? 2 : 1).map((word) => [...word][0].toUpperCase()).join("");
  }

  let count = 0; // tells the ids of one component from those of another

  class ClerkUI {
    #clerk;
    #tools;
    #styled; // when the style sheet has loaded, or cannot be
    #mounted = new Map(); // from a node to what ends its component

    constructor(clerk, tools) {
      this.#clerk = clerk;
      this.#tools = tools;
      this.#styled = addStylesheet();
    }

    mount(kind, node, props = {}) {
      this.unmount(node);
      this.#mounted.set(node, () => {});
      if (kind === "user-button") this.#userButton(node, props);
      else if (kind === "user-profile") this.#userProfile(node);
      else this.#entrance(node, props, kind === "sign-up" ? "Sign up" : "Sign in");
    }

    unmount(node) {
      this.#mounted.get(node)?.();
      this.#mounted.delete(node);
      node.replaceChildren();
    }

    // Signing in and signing up are one: an unknown address makes a new user.
    async #entrance(node, props, title) {
      const asked = new URL(location.href).searchParams.get("redirect_url");
      const target = this.#tools.within(props.forceRedirectUrl, asked, props.fallbackRedirectUrl);
      if (this.#clerk.isSignedIn) {
        location.assign(target);
        return;
      }
      const card = element("section", { class: "cl-card", "aria-label": title });
      const id = `cl-${++count}`;
      const problem = element("p", { class: "cl-problem", role: "alert", id: `${id}-problem` });
      const enter = (ticket, button) => this.#enter(ticket, button, problem, target);
      // All at once: nothing moves away from who is about to press it.
      const [users] = await Promise.all([readyUsers(this.#tools.base).catch(() => []), this.#styled]);
      if (!this.#mounted.has(node)) return; // unmounted meanwhile
      card.append(
        element("h2", {}, title),
        element("p", { class: "cl-note" }, "Development sign-in: no account, no password."),
        element("ul", { class: "cl-users" }, ...users.map((user) => readyUser(user, enter))),
        emailForm(id, problem, enter),
      );
      node.replaceChildren(card);
    }

    async #enter(ticket, button, problem, target) {
      if (button.getAttribute("aria-busy")) return;
      button.setAttribute("aria-busy", "true");
      problem.textContent = "";
      try {
        // A ticket is the id of a user, or an address; at Clerk a server makes it.
        const form = { strategy: "ticket", ticket, sign_up_if_missing: "true" };
        await this.#tools.request("/client/sign_ins", { method: "POST", form });
        await this.#clerk.setActive({ redirectUrl: target });
      } catch (error) {
        problem.textContent = error.message;
        button.removeAttribute("aria-busy");
      }
    }

    #userButton(node, props) {
      const show = ({ user }) => node.replaceChildren(...(user ? [this.#menu(user, props)] : []));
      this.#mounted.set(node, this.#clerk.addListener(show));
    }

    // The form stays as it is while somebody types: only another user makes a new
    // one.
    #userProfile(node) {
      let shown;
      const show = ({ user }) => {
        if (user?.id === shown) return;
        shown = user?.id;
        node.replaceChildren(...(user ? [this.#profile(user)] : []));
      };
      this.#styled.then(() => {
        if (this.#mounted.has(node)) this.#mounted.set(node, this.#clerk.addListener(show));
      });
    }

    #profile(user) {
      const id = `cl-${++count}`;
      const [firstLabel, first] = nameField(`${id}-first`, "First name", "given-name", user.firstName);
      const [lastLabel, last] = nameField(`${id}-last`, "Last name", "family-name", user.lastName);
      const news = element("p", { class: "cl-note", role: "status" });
      const problem = element("p", { class: "cl-problem", role: "alert" });
      const save = element("button", { class: "cl-main" }, "Save");
      const form = element("form", { class: "cl-form" }, firstLabel, first, lastLabel, last, problem, news, save);
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (save.getAttribute("aria-busy")) return;
        save.setAttribute("aria-busy", "true");
        news.textContent = problem.textContent = "";
        try {
          await this.#clerk.user.update({ firstName: first.value, lastName: last.value });
          news.textContent = "Your name is saved.";
        } catch (error) {
          problem.textContent = error.message;
        }
        save.removeAttribute("aria-busy");
      });
      return element(
        "section", { class: "cl-card cl-profile", "aria-label": "Profile" },
        element("h2", {}, "Profile"),
        element("p", { class: "cl-note" }, user.primaryEmailAddress?.emailAddress ?? user.username ?? ""),
        form,
        element("p", {}, element("a", { href: `${this.#tools.base}/user` }, "Delete this account")),
      );
    }

    #menu(user, props) {
      const signOut = element("button", { type: "button" }, "Sign out");
      signOut.addEventListener("click", () => this.#clerk.signOut({ redirectUrl: props.afterSignOutUrl }));
      const menu = element(
        "details", { class: "cl-user-button" },
        element("summary", { "aria-label": `Account of ${nameOf(user)}` }, initials(user)),
        element(
          "div", { class: "cl-card" },
          element("p", {}, element("strong", {}, nameOf(user))),
          element("p", { class: "cl-note" }, user.primaryEmailAddress?.emailAddress ?? ""),
          element("a", { href: props.userProfileUrl ?? `${this.#tools.base}/user` }, "Manage account"),
          signOut,
        ),
      );
      opensInside(menu);
      closesItself(menu);
      return menu;
    }
  }

  async function readyUsers(base) {
    const response = await fetch(`${base}/ready-users.json`);
    return response.ok ? response.json() : [];
  }

  function readyUser(user, enter) {
    const button = element(
      "button", { type: "button", class: "cl-user" },
      element("span", {}, user.name), " ", element("span", { class: "cl-role" }, user.role),
    );
    button.addEventListener("click", () => enter(user.ticket, button));
    return element("li", {}, button);
  }

  function nameField(id, label, autocomplete, value) {
    const input = element("input", { id, maxlength: "100", autocomplete, value: value ?? "" });
    return [element("label", { for: id }, label), input];
  }

  function emailForm(id, problem, enter) {
    const input = element("input", {
      id, name: "identifier", type: "email", required: "", maxlength: "254", autocomplete: "email",
      "aria-describedby": `${id}-hint ${id}-problem`,
    });
    const button = element("button", { class: "cl-main" }, "Continue");
    const form = element(
      "form", { class: "cl-form" },
      element("label", { for: id }, "Any e-mail address"),
      element("p", { class: "cl-note", id: `${id}-hint` }, "A new address makes a new user."),
      input, problem, button,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      enter(input.value, button);
    });
    return form;
  }

  // opensInside has a menu open towards the middle of the page.
  function opensInside(menu) {
    menu.addEventListener("toggle", () => {
      menu.classList.toggle("cl-at-start", menu.getBoundingClientRect().left < innerWidth / 2);
    });
  }

  // closesItself closes an open menu on Escape, and when the focus or a click
  // goes elsewhere.
  function closesItself(menu) {
    const close = () => { menu.open = false; };
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      close();
      menu.querySelector("summary").focus();
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) close();
    });
    menu.addEventListener("toggle", () => {
      const outside = (event) => { if (!menu.contains(event.target)) close(); };
      if (menu.open) document.addEventListener("pointerdown", outside, { once: true });
    });
  }

  window.__internal_ClerkUICtor = ClerkUI;
})();
