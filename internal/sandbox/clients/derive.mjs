// How long viem takes from a phrase to an address: the median of the runs, in milliseconds.
import { mnemonicToAccount } from "viem/accounts";
import { input } from "./steps.mjs";

const { phrase, runs } = await input();
const times = [];
let address;
for (let i = 0; i < runs; i++) {
  const start = performance.now();
  address = mnemonicToAccount(phrase).address;
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ address, median: times[runs >> 1] }));
