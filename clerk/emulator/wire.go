package emulator

import (
	"time"

	"inkwell/clerk"
)

// A dict is an object of Clerk's JSON. Times in it are Unix milliseconds.
type dict = map[string]any

// userJSON returns Clerk's user object, with every member that webhooks and the
// Backend API have.
func userJSON(a account) dict {
	created, updated := a.CreatedAt.UnixMilli(), a.UpdatedAt.UnixMilli()
	user := dict{
		"object": "user", "id": a.ID, "external_id": nil,
		"username": a.Username, "first_name": a.FirstName, "last_name": a.LastName, "locale": nil, "timezone": nil,
		"image_url": a.ImageURL, "profile_image_url": a.ImageURL, "has_image": a.ImageURL != "", "bypass_client_trust": false,
		"primary_email_address_id": nil, "primary_phone_number_id": nil, "primary_web3_wallet_id": nil,
		"email_addresses": []any{}, "phone_numbers": []any{}, "web3_wallets": []any{}, "passkeys": []any{},
		"external_accounts": []any{}, "saml_accounts": []any{}, "enterprise_accounts": []any{},
		publicMetadata: a.metadata(publicMetadata), privateMetadata: a.metadata(privateMetadata), unsafeMetadata: a.metadata(unsafeMetadata),
		"password_enabled": a.Password != "", "two_factor_enabled": false, "totp_enabled": false, "backup_code_enabled": false,
		"password_last_updated_at": nil, "mfa_enabled_at": nil, "mfa_disabled_at": nil, "legal_accepted_at": nil,
		"banned": a.Banned, "locked": a.Locked, "deprovisioned": a.Deprovisioned, "scim": nil,
		"lockout_expires_in_seconds": nil, "verification_attempts_remaining": 100,
		"delete_self_enabled": true, "create_organization_enabled": false, "create_organizations_limit": nil,
		"last_sign_in_at": nil, "last_active_at": nil, "created_at": created, "updated_at": updated,
	}
	if !a.LastSignInAt.IsZero() {
		user["last_sign_in_at"], user["last_active_at"] = a.LastSignInAt.UnixMilli(), a.LastSignInAt.Truncate(24*time.Hour).UnixMilli()
	}
	if a.Email != nil {
		address := emailJSON(a.User)
		user["email_addresses"], user["primary_email_address_id"] = []any{address}, address["id"]
	}
	return user
}

// picturePath is the picture of users without a name. Clerk makes one for
// everybody; for others its components show initials.
const picturePath = Prefix + "/picture.svg"

// ownUserJSON returns the user object as the user sees it.
func ownUserJSON(a account) dict {
	user := userJSON(a)
	delete(user, privateMetadata)
	if a.ImageURL == "" && text(a.FirstName)+text(a.LastName) == "" {
		user["image_url"] = picturePath
	}
	return user
}

func emailJSON(u clerk.User) dict {
	status := "unverified"
	if u.EmailVerified {
		status = "verified"
	}
	created := u.CreatedAt.UnixMilli()
	return dict{
		"object": "email_address", "id": emailID(u), "email_address": *u.Email, "reserved": false, "matches_sso_connection": false, "linked_to": []any{},
		"verification": dict{"object": "verification_otp", "status": status, "strategy": emailCode, "attempts": 1, "expire_at": nil},
		"created_at":   created, "updated_at": created,
	}
}

func emailID(u clerk.User) string { return "idn_" + u.ID }

// sessionJSON returns a session as the Backend API and webhooks show it. It
// counts as active now, as nobody writes down when it was used.
func sessionJSON(browser string, s session, status string, now time.Time) dict {
	created := s.CreatedAt.UnixMilli()
	active := max(created, now.UnixMilli())
	return dict{
		"object": "session", "id": s.ID, "client_id": clientID(browser), "user_id": s.UserID, "status": status, "actor": nil,
		"last_active_organization_id": nil, "last_active_at": active,
		"latest_activity": dict{"object": "session_activity", "id": "sess_activity_" + s.ID, "is_mobile": false, "ip_address": "127.0.0.1", "city": "this machine"},
		"expire_at":       s.CreatedAt.Add(sessionLifetime).UnixMilli(), "abandon_at": s.CreatedAt.Add(30 * 24 * time.Hour).UnixMilli(),
		"created_at": created, "updated_at": active,
	}
}

// ownSessionJSON returns a session as its browser sees it. Token is a session
// token; empty for one that is not to be used any more.
func ownSessionJSON(browser string, s session, a account, status, token string, now time.Time) dict {
	one := sessionJSON(browser, s, status, now)
	one["tasks"], one["factor_verification_age"] = nil, factorAge(s, now)
	one["user"], one["last_active_token"] = ownUserJSON(a), nil
	one["public_user_data"] = dict{
		"first_name": a.FirstName, "last_name": a.LastName, "image_url": a.ImageURL, "has_image": a.ImageURL != "",
		"identifier": a.Email, "user_id": a.ID,
	}
	if token != "" {
		one["last_active_token"] = dict{"object": "token", "jwt": token}
	}
	return one
}

// clientJSON returns what a browser knows of itself: the session it has, if
// any, and what is under way. Its time becomes the program's cookie.
func clientJSON(browser string, sessions []any, lastActive, signIn, signUp any, since time.Time) dict {
	at := since.UnixMilli()
	return dict{
		"object": "client", "id": clientID(browser), "sessions": sessions, "sign_in": signIn, "sign_up": signUp,
		"last_active_session_id": lastActive, "cookie_expires_at": nil, "captcha_bypass": true,
		"created_at": at, "updated_at": at,
	}
}
