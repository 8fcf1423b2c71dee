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
let busy = false; // leaving or asking Clerk
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

let reader; // the user's id; undefined until Clerk has said

// follow notices that another tab signed out, or in as somebody else. Clerk
// says undefined meanwhile.
function follow({session, user}) {
  if (session === undefined) return;
  const before = reader;
  reader = user?.id ?? null;
  if (busy || reader === before || (reader && before === undefined)) return;
  if (isTyped() || !leave(() => location.reload())) askToSignIn(reader ? 'Somebody else is signed in now.' : 'Your session is over.');
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
  busy = true;
  const clerk = await clerkSoon();
  if (!clerk?.session) return form.submit();
  await inTime(clerk.signOut({redirectUrl: '/'})).catch(() => form.submit());
}

// renew has Clerk renew the session cookie. It resolves to false when nobody is
// signed in, to null when Clerk is not there.
async function renew() {
  const clerk = await clerkSoon();
  if (!clerk) return null;
  const token = inTime(clerk.session?.getToken({skipCache: true}));
  return token.then(Boolean, () => clerk.session ? null : false);
}

// fetchRenewing is fetch, but renews a session that ran out and repeats the
// request once: a token lives a minute, and a laptop may have slept.
async function fetchRenewing(url, options) {
  const response = await fetch(url, options);
  if (response.status !== 401) return response;
  busy = true;
  const renewed = await renew();
  busy = false;
  if (renewed === false && !isTyped() && leave(() => location.assign(signInURL(location.pathname + location.search)))) {
    return new Response(null, {status: 204});
  }
  const again = renewed ? await fetch(url, options) : response;
  if (again.status === 401 && again.headers.get('HX-Reswap') === 'none') {
    askToSignIn(renewed ? 'Your session was not accepted.' : renewed === null
      ? 'Your session cannot be renewed: Clerk cannot be reached.' : 'Your session is over.');
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
  byId('alerts').replaceChildren();
});
on('htmx:finally:request', (event) => event.target.removeAttribute?.('aria-busy'));
on('htmx:error', ({detail}) => {
  if (/^(Type|Abort)Error$/.test(detail.error?.name)) {
    warn('The site cannot be reached. Nothing is lost: check the connection and try again.');
  }
});
on('htmx:sse:error', ({detail}) => { if (detail.status === 401) renew(); }); // it tries again
on('htmx:after:swap', forgetSent);
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
