package keystore

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"strings"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// chip is an open TPM, and what we ask of it.
type chip struct{ tpm transport.TPM }

// blob is what the TPM wrapped, as it lies on disk. Parent is the name of the storage root key that wrapped it: by it
// another TPM is told from damage.
type blob struct {
	Version int    `json:"version"`
	Parent  []byte `json:"parent"`
	Public  []byte `json:"public"`
	Private []byte `json:"private"`
	Box     []byte `json:"box,omitempty"` // with a secret: the secret, under the key that the TPM sealed
}

const blobVersion = 1

func (b blob) encode() []byte {
	data, err := json.Marshal(b)
	if err != nil {
		panic(err) // of numbers and bytes
	}
	return data
}

var errBlob = fault.New(fault.KeyCorrupt, errors.New("not a wrapped key in its form"))

func decodeBlob(data []byte) (b blob, err error) {
	if err := json.Unmarshal(data, &b); err != nil {
		return blob{}, errBlob
	}
	switch {
	case b.Version > blobVersion:
		return blob{}, fault.New(fault.StateTooNew, fmt.Errorf("a wrapped key of version %d", b.Version))
	case b.Version != blobVersion:
		return blob{}, errBlob
	}
	return b, nil
}

// parts reads the TPM's own structures.
func (b blob) parts() (*tpm2.TPM2BPublic, *tpm2.TPMTPublic, *tpm2.TPM2BPrivate, error) {
	public, err := tpm2.Unmarshal[tpm2.TPM2BPublic](b.Public)
	if err != nil {
		return nil, nil, nil, errBlob
	}
	area, err := public.Contents()
	if err != nil {
		return nil, nil, nil, errBlob
	}
	private, err := tpm2.Unmarshal[tpm2.TPM2BPrivate](b.Private)
	if err != nil {
		return nil, nil, nil, errBlob
	}
	return public, area, private, nil
}

// publicKey returns the key's name as everyone else spells it.
func (b blob) publicKey() (string, error) {
	_, area, _, err := b.parts()
	if err != nil {
		return "", err
	}
	public, err := tpm2.Pub(*area)
	if err != nil {
		return "", errBlob
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return "", errBlob
	}
	if _, err := key.ECDH(); err != nil { // not on the curve
		return "", errBlob
	}
	return p256.Compressed(key), nil
}

// translateTPM gives an error of the TPM its code. What has one keeps it.
func translateTPM(err error) error {
	is := func(codes ...tpm2.TPMRC) bool {
		for _, code := range codes {
			if errors.Is(err, code) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil, fault.KindOf(err) != "":
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.TPMAbsent, err)
	case errors.Is(err, fs.ErrPermission), is(tpm2.TPMRCAuthFail, tpm2.TPMRCBadAuth, tpm2.TPMRCHierarchy):
		return fault.New(fault.TPMDenied, err)
	default:
		return fault.New(fault.TPMFailed, err)
	}
}

// maker returns the maker's four letters.
func (c *chip) maker() (string, error) {
	answer, err := tpm2.GetCapability{Capability: tpm2.TPMCapTPMProperties, Property: uint32(tpm2.TPMPTManufacturer), PropertyCount: 1}.Execute(c.tpm)
	if err != nil {
		return "", err
	}
	properties, err := answer.CapabilityData.Data.TPMProperties()
	if err != nil || len(properties.TPMProperty) == 0 {
		return "", err
	}
	name := binary.BigEndian.AppendUint32(nil, properties.TPMProperty[0].Value)
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(name))), nil
}

// root is the storage root key, in the TPM.
type root struct {
	handle tpm2.NamedHandle
	area   tpm2.TPMTPublic
}

// withRoot runs op with the storage root key. It is made anew each time: it follows from the owner seed, and there is
// little room in a TPM to leave it.
func (c *chip) withRoot(op func(root) error) error {
	made, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(c.tpm)
	if err != nil {
		return err
	}
	defer c.flush(made.ObjectHandle)
	area, err := made.OutPublic.Contents()
	if err != nil {
		return err
	}
	return op(root{tpm2.NamedHandle{Handle: made.ObjectHandle, Name: made.Name}, *area})
}

// flush makes room in the TPM. A TPM that does not answer has nothing to flush.
func (c *chip) flush(handle tpm2.TPMHandle) {
	_, _ = tpm2.FlushContext{FlushHandle: handle}.Execute(c.tpm)
}

// sealing and unsealing return sessions in which what is sealed crosses the bus encrypted.
func (r root) sealing() tpm2.Session {
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.AESEncryption(128, tpm2.EncryptIn), tpm2.Salted(r.handle.Handle, r.area))
}

func (r root) unsealing() tpm2.Session {
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.AESEncryption(128, tpm2.EncryptOut), tpm2.Salted(r.handle.Handle, r.area))
}

// make makes an object under the root: a key, or what seals data.
func (c *chip) make(template tpm2.TPMTPublic, data []byte) (b blob, err error) {
	err = c.withRoot(func(r root) error {
		create := tpm2.Create{
			ParentHandle: tpm2.AuthHandle{Handle: r.handle.Handle, Name: r.handle.Name, Auth: r.sealing()},
			InPublic:     tpm2.New2B(template),
		}
		if data != nil {
			create.InSensitive = tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
				Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: data}),
			}}
		}
		made, err := create.Execute(c.tpm)
		if err != nil {
			return err
		}
		b = blob{Version: blobVersion, Parent: r.handle.Name.Buffer, Public: tpm2.Marshal(made.OutPublic), Private: tpm2.Marshal(made.OutPrivate)}
		return nil
	})
	return b, err
}

// makeKey makes a key that signs, and nothing else.
func (c *chip) makeKey() (blob, error) {
	return c.make(signerTemplate(tpm2.TPMAObject{
		FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true, SignEncrypt: true,
	}), nil)
}

func signerTemplate(attributes tpm2.TPMAObject) tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: attributes,
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			CurveID: tpm2.TPMECCNistP256,
			Scheme: tpm2.TPMTECCScheme{
				Scheme:  tpm2.TPMAlgECDSA,
				Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
			},
		}),
	}
}

// seal wraps a few bytes.
func (c *chip) seal(data []byte) (blob, error) {
	return c.make(tpm2.TPMTPublic{
		Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, UserWithAuth: true, NoDA: true},
	}, data)
}

// keyHandle is an object in the TPM.
type keyHandle struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
}

// loadedKey is a key that was in the TPM, saved by the TPM for itself until its next restart.
type loadedKey struct {
	context tpm2.TPMSContext
	name    tpm2.TPM2BName
}

// under loads a blob and runs op with it and the root.
func (c *chip) under(b blob, op func(root, keyHandle) error) error {
	public, _, private, err := b.parts()
	if err != nil {
		return err
	}
	return c.withRoot(func(r root) error {
		if !bytes.Equal(b.Parent, r.handle.Name.Buffer) {
			return fault.New(fault.TPMForeign, nil)
		}
		loaded, err := tpm2.Load{
			ParentHandle: tpm2.AuthHandle{Handle: r.handle.Handle, Name: r.handle.Name, Auth: tpm2.PasswordAuth(nil)},
			InPrivate:    *private, InPublic: *public,
		}.Execute(c.tpm)
		if _, ok := errors.AsType[tpm2.TPMRC](err); ok && !errors.Is(err, tpm2.TPMRCObjectMemory) && !errors.Is(err, tpm2.TPMRCRetry) {
			return fault.New(fault.KeyCorrupt, err) // wrapped by this TPM, and no more what it was
		}
		if err != nil {
			return err
		}
		defer c.flush(loaded.ObjectHandle)
		return op(r, keyHandle{loaded.ObjectHandle, loaded.Name})
	})
}

// load runs op with a wrapped key, and returns what makes the next time faster.
func (c *chip) load(b blob, op func(*chip, keyHandle) error) (known loadedKey, err error) {
	err = c.under(b, func(_ root, key keyHandle) error {
		saved, err := tpm2.ContextSave{SaveHandle: key.handle}.Execute(c.tpm)
		if err != nil {
			return err
		}
		known = loadedKey{saved.Context, key.name}
		return op(c, key)
	})
	return known, err
}

// again runs op with a key that was loaded before.
func (c *chip) again(known loadedKey, op func(*chip, keyHandle) error) error {
	loaded, err := tpm2.ContextLoad{Context: known.context}.Execute(c.tpm)
	if err != nil {
		return err
	}
	handle := tpm2.TPMHandle(loaded.LoadedHandle)
	defer c.flush(handle)
	return op(c, keyHandle{handle, known.name})
}

// unseal returns what seal wrapped.
func (c *chip) unseal(b blob) (data []byte, err error) {
	err = c.under(b, func(r root, key keyHandle) error {
		answer, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{Handle: key.handle, Name: key.name, Auth: r.unsealing()}}.Execute(c.tpm)
		if err != nil {
			return err
		}
		data = answer.OutData.Buffer
		return nil
	})
	return data, err
}

// sign returns a DER signature.
func (c *chip) sign(key keyHandle, digest []byte) ([]byte, error) {
	answer, err := tpm2.Sign{
		KeyHandle: tpm2.AuthHandle{Handle: key.handle, Name: key.name, Auth: tpm2.PasswordAuth(nil)},
		Digest:    tpm2.TPM2BDigest{Buffer: digest},
		InScheme: tpm2.TPMTSigScheme{
			Scheme:  tpm2.TPMAlgECDSA,
			Details: tpm2.NewTPMUSigScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSchemeHash{HashAlg: tpm2.TPMAlgSHA256}),
		},
		Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck},
	}.Execute(c.tpm)
	if err != nil {
		return nil, err
	}
	parts, err := answer.Signature.Signature.ECDSA()
	if err != nil {
		return nil, err
	}
	r, s := new(big.Int).SetBytes(parts.SignatureR.Buffer), new(big.Int).SetBytes(parts.SignatureS.Buffer)
	if r.BitLen() > 256 || s.BitLen() > 256 {
		return nil, errors.New("a signature over the curve's size")
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return p256.ToDER(raw)
}
