package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are those by which id tokens may be signed.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256}

// What of an issuer's keys is looked at: that many, and RSA keys up to that many bits, because verifying takes time.
const (
	keysMax = 64
	bitsMax = 8192
)

// keySet is the keys of one issuer. It fetches them when a token names a key that it has not, in the caller's own time, and
// never because a signature is wrong: go-oidc's own key set does so, and in a goroutine that nobody waits for. It is safe
// for parallel use.
type keySet struct {
	client *http.Client
	url    string

	mu   sync.Mutex
	keys []jose.JSONWebKey
}

// VerifySignature returns the payload of a token that one of the keys signed.
func (k *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return nil, errors.New("it is no token that RS256 or ES256 signed")
	}
	head := jws.Signatures[0].Header
	payload, named := k.verify(jws, head)
	if payload != nil {
		return payload, nil
	}
	if named && head.KeyID != "" {
		return nil, errors.New("the signature is not by the key that it names")
	}
	keys, err := k.fetch(ctx)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	k.keys = keys
	k.mu.Unlock()
	if payload, _ = k.verify(jws, head); payload == nil {
		return nil, errors.New("the signature is by none of the issuer's keys")
	}
	return payload, nil
}

// verify tries the keys that are there. named says whether one of them is the one that the token names.
func (k *keySet) verify(jws *jose.JSONWebSignature, head jose.Header) (payload []byte, named bool) {
	k.mu.Lock()
	keys := k.keys
	k.mu.Unlock()
	for i := range keys {
		key := &keys[i]
		if head.KeyID != "" && key.KeyID != head.KeyID || key.Algorithm != "" && key.Algorithm != head.Algorithm {
			continue
		}
		named = true
		if payload, err := jws.Verify(key); err == nil {
			return payload, true
		}
	}
	return nil, named
}

// fetch asks the issuer. Keys of other sorts, which the service would not use either, are left out.
func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, errors.New("the address of the issuer's keys is none")
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the issuer's keys: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer's keys: status %d", res.StatusCode)
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return nil, errors.New("the issuer's keys cannot be read")
	}
	var keys []jose.JSONWebKey
	for _, raw := range list.Keys[:min(len(list.Keys), keysMax)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.IsPublic() && (key.Use == "" || key.Use == "sig") && !large(key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func large(key jose.JSONWebKey) bool {
	public, ok := key.Key.(*rsa.PublicKey)
	return ok && public.N.BitLen() > bitsMax
}
