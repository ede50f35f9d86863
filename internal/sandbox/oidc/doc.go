// Package oidc plays the identity providers beside the sandbox, and judges id tokens as Turnkey does.
//
// It owns two things. The Provider is an http.Handler with four issuers that behave like Google, Apple, Facebook and
// a plain OpenID provider, two OAuth 2.0 services that behave like X and Discord, and the issuer by whose name
// Turnkey itself vouches for accounts of those two. The Verifier reads the issuer of an id token, finds its keys, and
// believes nothing that they did not sign. It does not own users, sessions or activities. It depends on p256,
// go-oidc, go-jose and the standard library.
//
// # Where things are
//
// The issuer of google is <base>/oidc/google, with discovery, jwks, authorize, token and userinfo below it, and so
// are apple, facebook and sandbox; <base>/oidc/turnkey has discovery and jwks alone. X is <base>/oauth2/x/authorize,
// token and users/me; Discord has users/@me. The base is Config.BaseURL, or http:// and the Host of the request where
// that is loopback: then whoever calls the sandbox by another loopback name meets another issuer, with the same keys.
//
// # What is like the provider and what is not
//
//   - Google: id_token, code, and code id_token; an id token from the front channel needs a nonce. Apple: code,
//     id_token, and code id_token, with form_post as soon as a scope is asked for; its name comes in "user"
//     alone.
//     Facebook: code with PKCE, which needs openid for an id token; its token endpoint takes GET too. X: state and
//     PKCE are needed. X and Discord: a client secret is needed. The plain issuer takes all that the others take.
//   - Google, Apple and Facebook sign RS256, the plain issuer and turnkey ES256. All keys follow from the seed.
//   - Whoever types an e-mail address is logged in as its owner. Who that is (the subject) follows from the seed, the
//     provider and the address, spelt as the provider spells subjects.
//   - PKCE is S256 alone: plain is refused everywhere.
//   - A redirect URI is not registered beforehand. Any http, https or app scheme goes, the page says where it leads,
//     and the token endpoint wants the very same text. Apple's rule that it be no loopback address is not kept.
//   - There are no refresh tokens, no consent, no sessions (prompt=none is always login_required), and no implicit
//     access tokens.
//   - Apple's client secret, a JWT, is not looked at unless Config.Clients names it. Apple sends "user" at every
//     log-in that asks for a name, not at the first alone. Subjects do not differ between clients of one provider.
//
// # How far the Verifier reaches
//
// To https, and to http on loopback hosts. What is no loopback host must resolve to a public address, at every
// redirect anew, so that no token makes it knock at a private network. It goes through no proxy.
package oidc
