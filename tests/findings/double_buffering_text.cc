// tests/findings/double_buffering_text.cc -- files are kept as bytes and as text: a byte longer.
// SPDX-License-Identifier: MIT
//
// expect: double-buffering likely Asset::read|keep_text
#include <algorithm>
#include <vector>

#include "plant.h"

struct Asset {
  std::vector<char> raw;
  char *text = nullptr;
  __attribute__((noinline)) void read(unsigned number) {
    raw.resize(6000 + 40 * number);  // HERE
    for (size_t i = 0; i < raw.size(); i++)
      raw[i] = char('a' + (number * 2654435761u >> i % 24) % 23);
  }
};

PLANT void keep_text(Asset &asset) {
  size_t bytes = asset.raw.size();
  asset.text = new char[bytes + 1];  // HERE
  std::copy(asset.raw.begin(), asset.raw.end(), asset.text);
  asset.text[bytes] = 0;
#ifdef MENDED
  std::vector<char>().swap(asset.raw);
#endif
}

int main() {
  static auto &assets = *new std::vector<Asset>(200);  // to the end
  for (unsigned i = 0; i < assets.size(); i++) {
    assets[i].read(i);
    keep_text(assets[i]);
  }
  plant_sleep_us(200000);
  return assets[7].text[0] == 0;
}
