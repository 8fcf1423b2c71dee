// What the pages do beyond plain HTML and htmx. Without it they still work.
'use strict';

// warn shows a problem above the page without touching what is being typed.
function warn(text, url, linkText) {
  const notice = document.createElement('div');
  notice.className = 'notice notice-problem';
  notice.setAttribute('role', 'alert');
  const sentence = document.createElement('p');
  sentence.textContent = text;
  notice.append(sentence);
  if (url) {
    const link = document.createElement('a');
    Object.assign(link, {href: url, textContent: linkText, target: '_blank', rel: 'noopener'});
    notice.append(link);
  }
  document.getElementById('alerts').replaceChildren(notice);
}

// clerkReady resolves to Clerk when its script is on the page and has loaded,
// else to null. The components need their own script and, for their styles, the
// page's nonce.
const clerkReady = (async () => {
  const script = document.getElementById('clerk-js');
  if (!script || !window.Clerk) return null;
  const ui = window.__internal_ClerkUICtor;
  await window.Clerk.load({
    ...(ui && {ui: {ClerkUI: ui}}),
    nonce: script.nonce,
    telemetry: false,
    signInUrl: '/sign-in',
    signUpUrl: '/sign-up',
    afterSignOutUrl: '/',
  });
  return window.Clerk;
})().catch(() => null);

// mountComponent shows Clerk's own form or button where a page has a place
// for it.
async function mountComponent() {
  const place = document.getElementById('clerk-component');
  if (!place) return;
  const clerk = await clerkReady;
  if (!clerk) {
    place.textContent = 'Clerk could not be loaded. Check the connection and load this page again.';
    return;
  }
  const target = {forceRedirectUrl: place.dataset.redirectUrl, signUpForceRedirectUrl: place.dataset.redirectUrl, signInForceRedirectUrl: place.dataset.redirectUrl};
  switch (place.dataset.clerkComponent) {
    case 'sign-in': clerk.mountSignIn(place, target); break;
    case 'sign-up': clerk.mountSignUp(place, target); break;
    case 'user-button': clerk.mountUserButton(place, {showName: true}); break;
  }
}

// signOutEverywhere lets Clerk end the session, so that other tabs hear of it;
// when Clerk is not there, the form does it alone.
async function signOutEverywhere(event) {
  const form = event.target.closest('form[data-sign-out]');
  if (!form) return;
  event.preventDefault();
  const clerk = await clerkReady;
  if (!clerk?.session) return form.submit();
  await clerk.signOut({redirectUrl: '/'}).catch(() => form.submit());
}

// freshToken asks Clerk for a new session token, which also renews the cookie.
async function freshToken() {
  const clerk = await clerkReady;
  return clerk?.session?.getToken({skipCache: true}).catch(() => null);
}

// fetchRenewing is fetch, but renews a session that ran out and repeats the
// request once: a token lives for a minute, and a laptop may have slept.
async function fetchRenewing(url, options) {
  const expired = (response) => response.status === 401 && response.headers.has('x-clerk-auth-status');
  const response = await fetch(url, options);
  if (!expired(response)) return response;
  const again = await freshToken() ? await fetch(url, options) : response;
  if (expired(again) && again.headers.get('HX-Reswap') === 'none') {
    warn('Your session is over. What you typed is still here: sign in, then send it again.', '/sign-in?redirect_url=%2Faccount', 'Sign in in a new tab');
  }
  return again;
}

// closeMenus closes an open menu when something else is pressed or Escape.
function closeMenus(event) {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (event.type === 'keydown' ? event.key === 'Escape' : !menu.contains(event.target)) {
      menu.open = false;
      if (event.type === 'keydown') menu.querySelector('summary').focus();
    }
  }
}

document.addEventListener('htmx:config:request', (event) => {
  event.detail.ctx.fetch = fetchRenewing;
});
document.addEventListener('htmx:before:request', (event) => {
  event.target.setAttribute?.('aria-busy', 'true');
  document.getElementById('alerts').replaceChildren();
});
document.addEventListener('htmx:finally:request', (event) => {
  event.target.removeAttribute?.('aria-busy');
});
document.addEventListener('htmx:error', (event) => {
  if (event.detail.error instanceof TypeError || event.detail.error?.name === 'AbortError') {
    warn('The site cannot be reached. Nothing is lost: check the connection and try again.');
  }
});
document.addEventListener('submit', signOutEverywhere);
document.addEventListener('click', closeMenus);
document.addEventListener('keydown', closeMenus);
mountComponent();
