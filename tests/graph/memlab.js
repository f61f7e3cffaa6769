// tests/graph/memlab.js -- what memlab reads in a heap snapshot, a line for each node.
// SPDX-License-Identifier: MIT
//
//   node memlab.js FOLDER_OF_NODE_MODULES FILE: "ID<tab>TYPE<tab>NAME<tab>BYTES<tab>RETAINED<tab>
//   ID_OF_DOMINATOR"
'use strict';
const path = require('path');
const [modules, file] = process.argv.slice(2);
const {getFullHeapFromFile} = require(path.join(modules, '@memlab/heap-analysis'));

getFullHeapFromFile(file).then((heap) => {
  const lines = [];
  heap.nodes.forEach((n) => {
    const above = n.dominatorNode;
    lines.push([n.id, n.type, n.name, n.self_size, n.retainedSize, above ? above.id : 0].join('\t'));
  });
  process.stdout.write(lines.join('\n') + '\n');
});
