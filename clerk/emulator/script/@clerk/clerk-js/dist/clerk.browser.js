// A small stand-in for clerk-js 6, for the development instance that package
// emulator plays. It keeps what pages and servers rely on: window.Clerk with
// load, user, session.getToken, signOut, addListener and the mount methods, the
// session cookies, and a token that is renewed before its minute is over.
(() => {
  "use strict";

  const script = document.currentScript;
  const publishableKey = script.dataset.clerkPublishableKey ?? "";
  const production = publishableKey.startsWith("pk_live_"); // whose Frontend API has cookies of its own
  const host = atob(publishableKey.split("_")[2] ?? "").replace(/\$$/, "");
  const proxy = script.dataset.clerkProxyUrl || `https://${host}`;
  const base = new URL(proxy, location.origin).href.replace(/\/$/, "");

  const YEAR = 365 * 24 * 3600;
  const SPARE_SECONDS = 17; // a token is renewed this long before its end: after 43 of its 60 s

  // Cookies

  let suffix = ""; // known once load has begun

  async function cookieSuffix() {
    const sum = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(publishableKey));
    const text = btoa(String.fromCharCode(...new Uint8Array(sum)));
    return text.replaceAll("+", "-").replaceAll("/", "_").slice(0, 8);
  }

  function readCookie(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found?.slice(name.length + 1);
  }

  // writeCookie writes both forms of a cookie; an empty value removes them.
  function writeCookie(name, value, sameSite = "Lax") {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    for (const full of [name, `${name}_${suffix}`]) {
      document.cookie = `${full}=${value}; Path=/; Max-Age=${value === "" ? 0 : YEAR}; SameSite=${sameSite}${secure}`;
    }
  }

  // The Frontend API

  class ClerkAPIResponseError extends Error {
    constructor(status, errors) {
      super(errors[0]?.message ?? `The Frontend API answered ${status}.`);
      this.name = "ClerkAPIResponseError";
      this.status = status;
      this.errors = errors;
    }
  }

  class ClerkOfflineError extends Error {
    constructor(cause) {
      super("The Frontend API cannot be reached.", { cause });
      this.name = "ClerkOfflineError";
      this.code = "clerk_offline";
    }
  }

  let browser = ""; // the development browser's id

  async function request(path, { method = "GET", form } = {}) {
    const url = new URL(`${base}/v1${path}`);
    url.searchParams.set("__clerk_api_version", "2026-08-20");
    url.searchParams.set("_clerk_js_version", Clerk.version);
    if (browser) url.searchParams.set("__clerk_db_jwt", browser);
    if (method !== "GET" && method !== "POST") url.searchParams.set("_method", method);
    const body = form && new URLSearchParams(form);
    let response;
    try {
      response = await fetch(url, { method: method === "GET" ? "GET" : "POST", body, credentials: "include" });
    } catch (error) {
      throw new ClerkOfflineError(error);
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new ClerkAPIResponseError(response.status, answer.errors ?? []);
    return answer;
  }

  async function findBrowser() {
    const inURL = new URL(location.href).searchParams.get("__clerk_db_jwt");
    const known = inURL ?? readCookie(`__clerk_db_jwt_${suffix}`) ?? readCookie("__clerk_db_jwt");
    browser = known || (await request("/dev_browser", { method: "POST" })).id;
    writeCookie("__clerk_db_jwt", browser);
  }

  // Resources

  class User {
    constructor(json) {
      this.id = json.id;
      this.username = json.username;
      this.firstName = json.first_name;
      this.lastName = json.last_name;
      this.fullName = [json.first_name, json.last_name].filter(Boolean).join(" ") || null;
      this.imageUrl = json.image_url;
      this.hasImage = json.has_image;
      this.publicMetadata = json.public_metadata;
      this.createdAt = new Date(json.created_at);
      this.updatedAt = new Date(json.updated_at);
      this.emailAddresses = json.email_addresses.map((one) => ({ id: one.id, emailAddress: one.email_address }));
      this.primaryEmailAddress = this.emailAddresses.find((one) => one.id === json.primary_email_address_id) ?? null;
    }

    // update changes the names that are given; an empty one is none.
    async update({ firstName, lastName }) {
      const form = {};
      if (firstName !== undefined) form.first_name = firstName;
      if (lastName !== undefined) form.last_name = lastName;
      apply((await request("/me", { method: "PATCH", form })).client);
      return Clerk.user;
    }
  }

  class Session {
    #token;
    #fetching = null; // one request serves all who ask meanwhile

    constructor(json) {
      this.id = json.id;
      this.status = json.status;
      this.expireAt = new Date(json.expire_at);
      this.user = new User(json.user);
      this.#token = json.last_active_token.jwt;
    }

    // getToken returns a token that is still good for a while, and puts it into
    // the cookies; null when the session is over.
    async getToken({ skipCache = false } = {}) {
      if (skipCache || secondsLeft(this.#token) <= SPARE_SECONDS) {
        this.#fetching ??= this.#fetch().finally(() => { this.#fetching = null; });
        await this.#fetching;
      }
      if (Clerk.session !== this) return Clerk.session?.id === this.id ? Clerk.session.getToken() : null;
      writeSession(this.#token);
      return this.#token;
    }

    async #fetch() {
      try {
        this.#token = (await request(`/client/sessions/${this.id}/tokens`, { method: "POST" })).jwt;
        if (Clerk.session === this) planRenewal(this.#token);
      } catch (error) {
        if (error.status !== 401) throw error;
        await reload(); // the session is over: who is signed in now?
      }
    }
  }

  function secondsLeft(token) {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)).exp - Date.now() / 1000;
  }

  function writeSession(token) {
    writeCookie("__session", token);
  }

  // State

  const listeners = new Set();
  let told = ""; // what the listeners know, in brief
  const channel = new BroadcastChannel("clerk");
  let timer;

  function resources() {
    return { client: Clerk.client, session: Clerk.session, user: Clerk.user, organization: null };
  }

  // apply makes what the Frontend API says of this browser the state of the
  // page and of its cookies.
  function apply(json) {
    const active = json?.sessions.find((one) => one.id === json.last_active_session_id);
    Clerk.client = json && { id: json.id, sessions: json.sessions.map((one) => ({ id: one.id, status: one.status })) };
    Clerk.session = active ? new Session(active) : null;
    Clerk.user = Clerk.session?.user ?? null;
    Clerk.isSignedIn = Boolean(Clerk.session);
    const since = active ? Math.floor(json.updated_at / 1000) : 0;
    if (!production) writeCookie("__client_uat", String(since), "Strict");
    writeSession(active?.last_active_token.jwt ?? "");
    planRenewal(active?.last_active_token.jwt);
    const news = active ? `${active.id} ${active.user.updated_at}` : "nobody";
    if (news === told) return;
    told = news;
    for (const listener of [...listeners]) listener(resources());
  }

  async function reload() {
    apply((await request("/client")).response);
  }

  // planRenewal has the cookies renewed in time. After a failure it tries again
  // when the page is looked at.
  function planRenewal(token) {
    clearTimeout(timer);
    if (!token) return;
    const wait = Math.max(0, secondsLeft(token) - SPARE_SECONDS);
    timer = setTimeout(() => Clerk.session?.getToken({ skipCache: true }).catch(() => {}), wait * 1000);
  }

  // catchUp follows what happened elsewhere while nobody looked at this page.
  function catchUp() {
    if (Clerk.loaded && document.visibilityState === "visible") reload().catch(() => {});
  }

  addEventListener("focus", catchUp);
  document.addEventListener("visibilitychange", catchUp);
  channel.addEventListener("message", ({ data }) => {
    if (data?.type === "signout" && Clerk.loaded) apply(null);
  });

  // Going elsewhere

  // within returns the address of a page of this site: the first usable one.
  function within(...candidates) {
    for (const candidate of candidates.filter(Boolean)) {
      if (!URL.canParse(candidate, location.href)) continue;
      const url = new URL(candidate, location.href);
      if (url.origin === location.origin) return url.href;
    }
    return new URL("/", location.href).href;
  }

  function signInAddress() {
    const url = new URL(options.signInUrl ?? `${base}/sign-in`, location.href);
    url.searchParams.set("redirect_url", location.href);
    return url.href;
  }

  let options = {};
  let loading = null;
  let components = null;

  function ui() {
    if (!components) throw new Error("Clerk was not loaded with Ui components");
    return components;
  }

  async function load(given) {
    options = given;
    suffix = await cookieSuffix();
    if (!production) await findBrowser();
    await reload();
    if (options.ui?.ClerkUI) components = new options.ui.ClerkUI(Clerk, { within, request, base });
    Clerk.loaded = true;
  }

  const Clerk = {
    version: "6.0.0-emulator",
    publishableKey,
    frontendApi: host,
    proxyUrl: script.dataset.clerkProxyUrl ?? "",
    instanceType: production ? "production" : "development",
    loaded: false,
    client: undefined,
    session: undefined,
    user: undefined,
    organization: null,
    isSignedIn: false,

    // load asks the Frontend API who is signed in. Later calls wait for the first.
    load(given = {}) {
      loading ??= load(given);
      return loading;
    },

    // addListener calls back at once, when there is something to say, and after
    // every change. It returns what ends that.
    addListener(listener, { skipInitialEmit = false } = {}) {
      listeners.add(listener);
      if (Clerk.client !== undefined && !skipInitialEmit) listener(resources());
      return () => listeners.delete(listener);
    },

    // signOut ends every session of this browser, in all its tabs, and goes on.
    async signOut({ redirectUrl } = {}) {
      if (!Clerk.session) return;
      await request("/client/sessions", { method: "DELETE" });
      apply(null);
      channel.postMessage({ type: "signout" });
      location.assign(within(redirectUrl, options.afterSignOutUrl));
    },

    // setActive takes over who signed in at the Frontend API.
    async setActive({ redirectUrl } = {}) {
      await reload();
      if (redirectUrl) location.assign(within(redirectUrl));
    },

    mountSignIn: (node, props) => ui().mount("sign-in", node, props),
    unmountSignIn: (node) => ui().unmount(node),
    mountSignUp: (node, props) => ui().mount("sign-up", node, props),
    unmountSignUp: (node) => ui().unmount(node),
    mountUserButton: (node, props) => ui().mount("user-button", node, props),
    unmountUserButton: (node) => ui().unmount(node),
    mountUserProfile: (node, props) => ui().mount("user-profile", node, props),
    unmountUserProfile: (node) => ui().unmount(node),

    openSignIn: () => location.assign(signInAddress()),
    openSignUp: () => location.assign(signInAddress()),
    redirectToSignIn: () => location.assign(signInAddress()),
    openUserProfile: () => location.assign(`${base}/user`),
    buildSignInUrl: () => signInAddress(),
  };

  window.Clerk = Clerk;
})();
