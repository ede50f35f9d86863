package chain

import (
	"fmt"
	"math/big"
)

// network is a chain that speaks Ethereum's language: its name, and the coin that pays there, of 18 places. adds says
// that it takes a fee for its data besides what the transaction offers for gas, which no transaction bounds.
type network struct {
	name, coin string
	adds       bool
}

// networks are the chains that are called by name, by chain id. Source: the list at chainid.network, and for the fee of
// data the documents of OP Stack and Scroll. The number is always shown with the name, so a chain that is missing here
// costs a name and nothing else.
var networks = map[uint64]network{
	1: {"Ethereum", "ETH", false}, 11155111: {"Sepolia", "test ETH", false}, 17000: {"Holesky", "test ETH", false}, 560048: {"Hoodi", "test ETH", false},
	10: {"OP Mainnet", "ETH", true}, 11155420: {"OP Sepolia", "test ETH", true}, 8453: {"Base", "ETH", true}, 84532: {"Base Sepolia", "test ETH", true},
	42161: {"Arbitrum One", "ETH", false}, 421614: {"Arbitrum Sepolia", "test ETH", false}, 137: {"Polygon", "POL", false}, 80002: {"Polygon Amoy", "test POL", false},
	56: {"BNB Smart Chain", "BNB", false}, 97: {"BNB Smart Chain testnet", "test BNB", false}, 43114: {"Avalanche C-Chain", "AVAX", false}, 43113: {"Avalanche Fuji", "test AVAX", false},
	100: {"Gnosis", "xDAI", false}, 324: {"ZKsync Era", "ETH", false}, 59144: {"Linea", "ETH", false}, 534352: {"Scroll", "ETH", true}, 81457: {"Blast", "ETH", true},
	42220: {"Celo", "CELO", true}, 5000: {"Mantle", "MNT", true}, 130: {"Unichain", "ETH", true}, 480: {"World Chain", "ETH", true}, 7777777: {"Zora", "ETH", true},
	143: {"Monad", "MON", false}, 10143: {"Monad testnet", "test MON", false},
}

// Network names a chain that speaks Ethereum's language, with its number.
func Network(chainID *big.Int) string {
	if n, ok := networks[chainID.Uint64()]; ok && chainID.IsUint64() {
		return fmt.Sprintf("%s (chain id %s)", n.name, chainID)
	}
	return fmt.Sprintf("unknown network (chain id %s)", chainID)
}

// Coins spells an amount of wei in the coin of its chain.
func Coins(wei, chainID *big.Int) string {
	if n, ok := networks[chainID.Uint64()]; ok && chainID.IsUint64() {
		return Units(wei, 18) + " " + n.coin
	}
	return Units(wei, 18) + " of the network's coin"
}

// feeText spells the highest fee, and what the transaction does not bound.
func feeText(wei, chainID *big.Int) string {
	text := "at most " + Coins(wei, chainID)
	switch n, ok := networks[chainID.Uint64()]; {
	case !ok || !chainID.IsUint64():
		return text + " for gas; whether the network takes more is not known"
	case n.adds:
		return text + " for gas, and what the network takes for its data"
	}
	return text
}
