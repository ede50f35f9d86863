// The programs that build and judge Latchkey, in a module of their own so that nothing of theirs enters the product's.
module latchkey/build/tools

go 1.26.0
