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

// signInURL is the page to sign in that leads back to path.
const signInURL = (path) => '/sign-in?redirect_url=' + encodeURIComponent(path);

function askToSignIn(why) {
  warn(`${why} Nothing you typed is lost: sign in, then send it again.`,
    make('a', {href: signInURL('/signed-in'), textContent: 'Sign in in a new tab', target: '_blank'}));
}

const wasSignedIn = Boolean(byId('account-menu')); // as the server saw it
const typed = new Set(); // the ids of fields somebody typed into

// isTyped reports whether something typed would be lost with the page.
function isTyped() {
  return [...document.querySelectorAll('main form :is(textarea, input:not([type=hidden]))')]
    .some(({id, value, defaultValue}) => value.trim() && (typed.has(id) || value !== defaultValue));
}

// forgetSent forgets what was sent: its field is gone, or empty again.
function forgetSent() {
  for (const id of typed) if (!byId(id)?.value) typed.delete(id);
}

// leave goes elsewhere, or reports that it does not: once in half a minute, for
// two pages that lead to each other would be a circle.
function leave(go) {
  if (Date.now() - (sessionStorage.went ?? 0) < 30_000) return false;
  sessionStorage.went = Date.now();
  go();
  return true;
}

// inTime is the promise, but fails when it takes long: Clerk itself would try
// for minutes, or wait for ever.
const inTime = (promise) => Promise.race([promise, new Promise((_, fail) => setTimeout(fail, 10_000))]);

let loading;

// clerkReady resolves to Clerk, or to nothing: then the next call tries again.
const clerkReady = () => loading ??= loadClerk().catch(() => { loading = null; });

// clerkSoon is clerkReady, but resolves to nothing when that takes long.
const clerkSoon = () => inTime(clerkReady()).catch(() => {});

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
  if (clerk?.user) tabs.postMessage(clerk.user.id);
  if (wasSignedIn) clerk?.addListener(follow);
  return clerk;
}

let owner; // the id of the user whose page this is; undefined until Clerk has said
let heard; // the id of who is signed in, by the last word; null: nobody
let changed; // when the user was
let asking = 0; // how many ask Clerk, and act themselves on what it says

// follow notices other tabs and a new name. Clerk says undefined meanwhile.
function follow({session, user}) {
  if (session === undefined || asking) return;
  const at = user && +user.updatedAt;
  if (at && user.id === heard && at !== changed) byId('refresh-account')?.requestSubmit();
  changed = at;
  hear(user?.id ?? null);
}

// hear notices who signed out or in elsewhere. A notice that asks to sign in
// goes with its reason.
function hear(id) {
  if (id === heard) return;
  heard = id;
  owner ??= id;
  if (!id || id !== owner) showChange(id);
  else byId('alerts').querySelector('a[href^="/sign-in"]')?.parentNode.remove();
}

// Each page tells the others who is signed in: Clerk tells no tab that was
// signed out.
const tabs = new BroadcastChannel('signed-in');
tabs.onmessage = ({data}) => { if (owner) hear(data); };

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

// savesItself tells what a form sends by itself: nobody who types is alarmed.
const savesItself = (url) => url?.endsWith('/autosave');

// fetchRenewing is fetch, but renews a session that ran out and repeats the
// request once. What one user sends is not repeated as another.
async function fetchRenewing(url, options) {
  const sender = owner;
  const response = await fetch(url, options);
  if (response.status !== 401) return response;
  const id = await renew();
  const another = id && id !== (sender ?? id);
  if (savesItself(url)) {
    const saved = id && !another ? await fetch(url, options) : response;
    return saved.status === 401 ? new Response('Not saved: sign in again.') : saved;
  }
  if (another) showChange(id);
  if (another || (id === null && !isTyped() && leave(() => location.assign(signInURL(location.pathname + location.search))))) {
    return new Response(null, {status: 204});
  }
  const again = id ? await fetch(url, options) : response;
  if (again.status === 401 && again.headers.get('HX-Reswap') === 'none') {
    askToSignIn(id ? 'Your session was not accepted.' : id === null
      ? 'Your session is over.' : 'Your session cannot be renewed: Clerk cannot be reached.');
  }
  return again;
}

// closeMenu closes the menu on Escape or when something else is pressed.
function closeMenu({key, target}) {
  const menu = byId('menu');
  if (!menu?.open || (key ? key !== 'Escape' : menu.contains(target))) return;
  menu.open = false;
  if (key) byId('account-menu').focus();
}

// asksByItself tells what nobody has pressed a button for.
const asksByItself = ({ctx}) => ctx.sourceEvent?.type === 'every' || ctx.sourceElement?.id === 'live';

const on = document.addEventListener.bind(document);
on('htmx:config:request', ({detail}) => { detail.ctx.fetch = fetchRenewing; });
on('htmx:before:request', (event) => {
  if (savesItself(event.detail.ctx.request.action)) return;
  event.target.setAttribute?.('aria-busy', 'true');
  if (!asksByItself(event.detail)) byId('alerts').replaceChildren();
});
on('htmx:finally:request', (event) => event.target.removeAttribute?.('aria-busy'));
on('htmx:error', ({target, detail}) => {
  if (savesItself(detail.ctx?.request.action)) {
    target.textContent = 'Not saved: the site cannot be reached.';
  } else if (/^(Type|Abort)Error$/.test(detail.error?.name) && !asksByItself(detail)) {
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
on('click', closeMenu);
on('keydown', closeMenu);
addEventListener('pageshow', (event) => { // perhaps from before a sign-out
  if (event.persisted && wasSignedIn && !isTyped()) location.reload();
});

// Deferred scripts may run apart: htmx, which begins when it is there, may have
// begun before its extension was.
setTimeout(() => {
  const live = byId('live');
  if (live && !live._htmx) htmx.process(live);
});

// Clerk is loaded on every page with its script: it renews the session before
// it runs out, and hears of other tabs.
clerkReady().then(mountComponent);
clerkSoon().then((clerk) => clerk || mountComponent());
