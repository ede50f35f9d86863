package hd

import (
	"slices"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// Languages are the word lists of BIP-39, by the vendor's names for them.
var languages = map[string][]string{
	"MNEMONIC_LANGUAGE_ENGLISH":             wordlists.English,
	"MNEMONIC_LANGUAGE_SIMPLIFIED_CHINESE":  wordlists.ChineseSimplified,
	"MNEMONIC_LANGUAGE_TRADITIONAL_CHINESE": wordlists.ChineseTraditional,
	"MNEMONIC_LANGUAGE_CZECH":               wordlists.Czech,
	"MNEMONIC_LANGUAGE_FRENCH":              wordlists.French,
	"MNEMONIC_LANGUAGE_ITALIAN":             wordlists.Italian,
	"MNEMONIC_LANGUAGE_JAPANESE":            wordlists.Japanese,
	"MNEMONIC_LANGUAGE_KOREAN":              wordlists.Korean,
	"MNEMONIC_LANGUAGE_SPANISH":             wordlists.Spanish,
}

// Translate spells the entropy of an English phrase that [Check] accepts in the words of another language. The new
// phrase stands for the same entropy, and so, by BIP-39, for another seed. "" is English. Japanese words are parted by
// the blank of that script.
func Translate(mnemonic, language string) (string, error) {
	if language == "" {
		return mnemonic, nil
	}
	list, ok := languages[language]
	if !ok {
		return "", invalid("invalid mnemonic language")
	}
	words := strings.Split(mnemonic, " ")
	for i, w := range words {
		at, found := slices.BinarySearch(wordlists.English, w)
		if !found {
			return "", errMnemonic()
		}
		words[i] = list[at]
	}
	blank := " "
	if language == "MNEMONIC_LANGUAGE_JAPANESE" {
		blank = "\u3000"
	}
	return strings.Join(words, blank), nil
}
