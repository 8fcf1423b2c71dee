// What the pages do beyond plain HTML and htmx. Without it they still work.
'use strict';

const byId = (id) => document.getElementById(id);
const make = (name, properties) => Object.assign(document.createElement(name), properties);

// warn shows a problem above the page.
function warn(text, ...more) {
  const notice = make('div', {className: 'notice notice-problem', role: 'alert'});
  notice.append(make('p', {textContent: text}), ...more);
  byId('alerts').replaceChildren(notice);
}

// signInURL is the page to sign in that leads back to a path of this site.
const signInURL = (path) => '/sign-in?redirect_url=' + encodeURIComponent(path);

function askToSignIn(why) {
  const href = signInURL('/account');
  warn(`${why} Nothing you typed is lost: sign in, then send it again.`,
    make('a', {href, textContent: 'Sign in in a new tab', target: '_blank'}));
}

const wasSignedIn = Boolean(byId('account-menu')); // as the server saw it
const typed = new Set(); // the ids of fields somebody typed into

// isTyped reports whether something typed would be lost with the page.
function isTyped() {
  const fields = [...document.querySelectorAll('main form :is(textarea, input:not([type=hidden]))')];
  return fields.some((field) => field.value.trim() && (typed.has(field.id) || field.value !== field.defaultValue));
}

// forgetSent forgets what was sent: its field is gone, or empty again.
function forgetSent() {
  for (const id of typed) if (!byId(id)?.value) typed.delete(id);
}

// leave goes elsewhere, or reports that it does not: once in half a minute at
// most, for two pages that lead to each other would be a circle.
function leave(go) {
  const ago = Date.now() - (sessionStorage.went ?? 0);
  if (ago < 30_000) return false;
  sessionStorage.went = Date.now();
  go();
  return true;
}

// inTime is the promise, but fails when it takes long: Clerk itself would try
// for minutes, or wait for ever.
function inTime(promise) {
  return Promise.race([promise, new Promise((_, fail) => setTimeout(fail, 10_000))]);
}

let loading;

// clerkReady resolves to Clerk, or to nothing: then the next call tries again.
function clerkReady() {
  loading ??= loadClerk().catch(() => { loading = null; });
  return loading;
}

// clerkSoon is clerkReady, but resolves to nothing when that takes long.
function clerkSoon() {
  return inTime(clerkReady()).catch(() => {});
}

// loadClerk gives Clerk's components their script and their styles a nonce.
async function loadClerk() {
  const script = byId('clerk-js');
  const clerk = script && window.Clerk;
  const ui = window.__internal_ClerkUICtor;
  await clerk?.load({
    ...(ui && {ui: {ClerkUI: ui}}),
    nonce: script.nonce,
    telemetry: false,
    signInUrl: '/sign-in',
    signUpUrl: '/sign-up',
  });
  if (wasSignedIn) clerk?.addListener(follow);
  return clerk;
}

let owner; // the id of the user whose page this is; undefined until Clerk has said
let heard; // the id of who is signed in by Clerk's last word; null: nobody
let asking = 0; // how many ask Clerk, and act themselves on what it says

// follow notices that another tab signed out, or in as somebody else. Clerk
// says undefined meanwhile.
function follow({session, user}) {
  if (session === undefined || asking) return;
  const id = user?.id ?? null;
  const known = id === heard;
  heard = id;
  owner ??= id;
  if (!known && (!id || id !== owner)) showChange(id);
}

// showChange shows the page as it is for who is signed in now, or says so when
// something typed would be lost.
function showChange(id) {
  if (!isTyped() && leave(() => location.reload())) return;
  askToSignIn(id ? 'Somebody else is signed in now.' : 'Your session is over.');
}

// mountComponent shows Clerk's own form where a page has a place for it, or
// that Clerk is not there.
function mountComponent(clerk) {
  const place = byId('clerk-component');
  if (!place) return;
  byId('no-clerk').hidden = Boolean(clerk);
  if (!clerk) return;
  const {mount, redirectUrl: url} = place.dataset;
  if (!url || !clerk.isSignedIn) {
    clerk[mount](place, {forceRedirectUrl: url, signUpForceRedirectUrl: url, signInForceRedirectUrl: url});
  } else if (!leave(() => location.replace(url))) { // signed in, which the server did not see
    byId('not-accepted').hidden = false;
  }
}

// signOutEverywhere has Clerk end the session, so that all tabs hear of it. The
// server does it when Clerk is not there.
async function signOutEverywhere(event) {
  const form = event.target.closest('form[data-sign-out]');
  if (!form) return;
  event.preventDefault();
  asking++; // until the page is left
  const clerk = await clerkSoon();
  if (!clerk?.session) return form.submit();
  await inTime(clerk.signOut({redirectUrl: '/'})).catch(() => form.submit());
}

// renew has Clerk renew the session cookie. It resolves to the id of who is
// signed in then, to null for nobody, to undefined when Clerk is not there.
async function renew() {
  asking++;
  const clerk = await clerkSoon();
  const failed = await inTime(clerk?.session?.getToken({skipCache: true})).then(() => false, () => true);
  asking--;
  if (!clerk || (failed && clerk.session)) return undefined;
  heard = clerk.user?.id ?? null;
  owner ??= heard;
  return heard;
}

// fetchRenewing is fetch, but renews a session that ran out and repeats the
// request once: a token lives a minute, and a laptop may have slept. What one
// user sends is not repeated as another.
async function fetchRenewing(url, options) {
  const sender = owner;
  const response = await fetch(url, options);
  if (response.status !== 401) return response;
  const id = await renew();
  if (id && id !== (sender ?? id)) {
    showChange(id);
    return new Response(null, {status: 204});
  }
  if (id === null && !isTyped() && leave(() => location.assign(signInURL(location.pathname + location.search)))) {
    return new Response(null, {status: 204});
  }
  const again = id ? await fetch(url, options) : response;
  if (again.status === 401 && again.headers.get('HX-Reswap') === 'none') {
    askToSignIn(id ? 'Your session was not accepted.' : id === null
      ? 'Your session is over.' : 'Your session cannot be renewed: Clerk cannot be reached.');
  }
  return again;
}

// closeMenus closes a menu on Escape or when something else is pressed.
function closeMenus(event) {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (event.type === 'keydown' ? event.key === 'Escape' : !menu.contains(event.target)) {
      menu.open = false;
      if (event.type === 'keydown') menu.querySelector('summary').focus();
    }
  }
}

const on = document.addEventListener.bind(document);
on('htmx:config:request', ({detail}) => { detail.ctx.fetch = fetchRenewing; });
on('htmx:before:request', (event) => {
  event.target.setAttribute?.('aria-busy', 'true');
  if (event.detail.ctx.sourceEvent?.type !== 'every') byId('alerts').replaceChildren(); // what asks by itself answers nobody
});
on('htmx:finally:request', (event) => event.target.removeAttribute?.('aria-busy'));
on('htmx:error', ({detail}) => {
  if (/^(Type|Abort)Error$/.test(detail.error?.name)) {
    warn('The site cannot be reached. Nothing is lost: check the connection and try again.');
  }
});
on('htmx:after:swap', forgetSent);
on('htmx:sse:error', async ({detail}) => { // it tries again by itself
  const id = detail.status === 401 ? await renew() : undefined;
  if (id !== undefined && id !== owner) showChange(id);
});
on('input', ({target}) => typed.add(target.id));
on('submit', signOutEverywhere);
on('click', closeMenus);
on('keydown', closeMenus);
addEventListener('pageshow', (event) => { // perhaps from before a sign-out
  if (event.persisted && wasSignedIn && !isTyped()) location.reload();
});

// Clerk is loaded on every page with its script: it renews the session before
// it runs out, and hears of other tabs.
clerkReady().then(mountComponent);
clerkSoon().then((clerk) => clerk || mountComponent());
