package chain

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Computed with a common library (Turnkey protocol dossier, section 15.2): unsigned, digest, and the two halves of the
// signature by the first account of the phrase "abandon … about", with the signed transaction.
func ethereumVectors() map[string][4]string {
	return map[string][4]string{
		"legacy": {"eb808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c6800080018080",
			"97d58b242c1ac46414b273b4f4463e4f4d4aa27c12f478ca128c231e35041aeb",
			"927157909156f4cd67c59951ac494d94f29459ae61086071cf52b5fde84f0bb411389f8f4cd00c28c7f7a87e68b100c804fc15cf4972fc3f46e554d695dde7c4",
			"f86b808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c680008025a0927157909156f4cd67c59951ac494d94f29459ae61086071cf52b5fde84f0bb4a011389f8f4cd00c28c7f7a87e68b100c804fc15cf4972fc3f46e554d695dde7c4"},
		"type 1": {"01e683aa36a7018504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d72650180c0",
			"072b61e4397e03abdd4b2fe83d2de33d4c1b1117e1ace25a2f50fc8e6c848c65",
			"8d51b95bd49567c30d1976afe0a8b7211a7c810f21245b825e2378744f88073f2704516c6f008dca6ccf24932762e3490bfaaa9c00dde808e50f968c1864500c",
			"01f86983aa36a7018504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d72650180c001a08d51b95bd49567c30d1976afe0a8b7211a7c810f21245b825e2378744f88073fa02704516c6f008dca6ccf24932762e3490bfaaa9c00dde808e50f968c1864500c"},
	}
}

func TestEthereumTransactionsGetTheirSignature(t *testing.T) {
	for name, v := range ethereumVectors() {
		tx, err := ParseEthereumTransaction(unhex(t, v[0]))
		if err != nil {
			t.Fatal(name, err)
		}
		if got := hex.EncodeToString(tx.Digest()); got != v[1] {
			t.Errorf("%s: digest %s", name, got)
		}
		signature := unhex(t, v[2])
		parity := byte(0)
		if strings.HasPrefix(v[3], "01") {
			parity = 1
		}
		if got := hex.EncodeToString(tx.Signed(signature[:32], signature[32:], parity)); got != v[3] {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// r and s are numbers, so their leading zeros go.
func TestSignatureNumbersAreSpeltShort(t *testing.T) {
	tx, err := ParseEthereumTransaction(unhex(t, ethereumVectors()["type 1"][0]))
	if err != nil {
		t.Fatal(err)
	}
	r, s := make([]byte, 32), make([]byte, 32)
	r[31], s[30] = 5, 0x80
	if got := tx.Signed(r, s, 0); !bytes.HasSuffix(got, []byte{0xc0, 0x80, 5, 0x82, 0x80, 0}) {
		t.Errorf("%x", got)
	}
}

func TestWhatIsNoTransactionIsInvalid(t *testing.T) {
	for _, text := range []string{"", "00", "c0", "01", "01c0", "7f", "80", strings.Repeat("c1", 40), "f90000", "ff" + strings.Repeat("ff", 20), "02" + strings.Repeat("00", 140<<10)} {
		if _, err := ParseEthereumTransaction(unhex(t, text)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.20s: %v", text, err)
		}
		if _, err := ParseSolanaTransaction(unhex(t, text)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}

// Worked out by hand from the rule that the reader's comment states.
func TestCompactNumbers(t *testing.T) {
	for text, want := range map[string]int{"00": 0, "01": 1, "7f": 127, "8001": 128, "ff01": 255, "8002": 256, "ffff01": 32767, "808001": 16384} {
		r := &compactReader{rest: append(unhex(t, text), make([]byte, 1<<16)...)}
		if got := r.count(); got != want || r.err != nil || len(r.rest) != 1<<16 {
			t.Errorf("%s: %d, %v", text, got, r.err)
		}
	}
	for _, text := range []string{"", "80", "8000", "808000", "808004", "80808001", "ffffff"} {
		r := &compactReader{rest: unhex(t, text)}
		if got := r.count(); got != 0 || r.err == nil {
			t.Errorf("%s: %d, %v", text, got, r.err)
		}
	}
}

// The message is that of one transfer, made with @solana/kit 8.4.0, and names all that a message of version 1 can.
func TestSolanaVersion1NamesItsConfiguration(t *testing.T) {
	raw := unhex(t, "810100011f000000"+strings.Repeat("09", 32)+"0103f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd4"+
		strings.Repeat("00", 32)+"8813000000000000400d03000000010000000100"+"02020c00"+"0001"+"020000008813000000000000"+strings.Repeat("00", 64))
	tx, err := ParseSolanaTransaction(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := tx.Config
	if tx.Version != 1 || c.PriorityFee != 5000 || *c.ComputeUnitLimit != 200000 || *c.LoadedAccountsDataSizeLimit != 65536 || *c.HeapSize != 65536 {
		t.Errorf("version %d, %d %d %d %d", tx.Version, c.PriorityFee, *c.ComputeUnitLimit, *c.LoadedAccountsDataSizeLimit, *c.HeapSize)
	}
	if !bytes.Equal(tx.Message, raw[:len(raw)-64]) || len(tx.Signatures) != 1 {
		t.Errorf("message %x", tx.Message)
	}
	// Without the mask there are no values.
	raw[4] = 0
	bare := append(bytes.Clone(raw[:42+96]), raw[42+96+20:]...)
	if tx, err = ParseSolanaTransaction(bare); err != nil || tx.Config != (SolanaConfig{}) {
		t.Errorf("%+v, %v", tx, err)
	}
}
