// Calls a bound method again and again: one after the other, and many at once. The collector hears how long one took. The
// page's clock goes in steps of a millisecond, so 20 calls are timed together.
const collector = "COLLECTOR";
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
while (!window.go) await pause(20);
const bound = window.go.app?.App ?? window.go.main.Bare;
await pause(3000); // what a start does is over
for (let i = 0; i < 200; i++) await bound.State();
const took = [];
for (let i = 0; i < CALLS / 20; i++) {
  const began = performance.now();
  for (let j = 0; j < 20; j++) await bound.State();
  took.push((performance.now() - began) / 20);
}
let answered = 0;
for (let round = 0; round < 20; round++) answered += (await Promise.all(Array.from({ length: 64 }, () => bound.State()))).filter(Boolean).length;
took.sort((a, b) => a - b);
location.href = `${collector}/landed#${encodeURIComponent(JSON.stringify({ median: took[took.length >> 1], p99: took[Math.floor(took.length * 0.99)], answered }))}`;
