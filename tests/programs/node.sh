#!/bin/sh
# tests/programs/node.sh -- worker threads that parse, compress, hash and pass buffers to and fro.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

cat >work.js <<'END'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { createHash } = require('crypto');
const zlib = require('zlib');

function work(seed) {
  const hash = createHash('sha256');
  for (let round = 0; round < 60; round++) {
    const rows = [];
    for (let i = 0; i < 500; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      rows.push({ id: seed, tags: ['a', 'b', 'c'].slice(seed % 3), text: 'x'.repeat(seed % 200) });
    }
    const packed = zlib.deflateSync(Buffer.from(JSON.stringify(rows)));
    const back = JSON.parse(zlib.inflateSync(packed).toString());
    if (back.length !== rows.length || back[7].id !== rows[7].id) throw new Error('lost in zlib');
    hash.update(JSON.stringify(back)).update(Buffer.alloc(round * 1024, round));
  }
  return hash.digest();
}

if (!isMainThread) {
  const answer = new Uint8Array(work(workerData)).buffer;
  parentPort.postMessage(answer, [answer]);  // the block goes over to the other thread
} else {
  const answers = [];
  let left = 0;
  for (let wave = 0; wave < 3; wave++)
    for (let i = 0; i < 4; i++, left++) {
      const worker = new Worker(__filename, { workerData: wave * 4 + i });
      worker.on('message', (answer) => { answers[wave * 4 + i] = Buffer.from(answer).toString('hex'); });
      worker.on('error', (e) => { console.error(e); process.exit(3); });
      worker.on('exit', () => { if (--left === 0) console.log(answers.join('\n')); });
    }
}
END

uses_midden /usr/bin/node -e 0
same_answer /usr/bin/node work.js
[ "$(grep -c '^[0-9a-f]\{64\}$' with)" = 12 ] || fail "not every worker answered: $(cat with)"
