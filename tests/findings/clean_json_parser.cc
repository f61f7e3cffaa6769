// tests/findings/clean_json_parser.cc -- a document is parsed, walked and freed.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <map>
#include <memory>
#include <string>
#include <vector>

struct Value {
  double number = 0;
  std::string text;
  std::vector<std::unique_ptr<Value>> list;
  std::map<std::string, std::unique_ptr<Value>> members;
};

struct Parser {
  const char *at;

  std::string string() {
    const char *start = ++at;
    while (*at != '"') at++;
    return std::string(start, at++);
  }

  std::unique_ptr<Value> value() {
    auto made = std::make_unique<Value>();
    if (*at == '{') {
      while (*at++ != '}') {
        std::string name = string();
        at++;
        made->members[std::move(name)] = value();
      }
    } else if (*at == '[') {
      while (*at++ != ']') made->list.push_back(value());
    } else if (*at == '"') {
      made->text = string();
    } else {
      char *end;
      made->number = strtod(at, &end);
      at = end;
    }
    return made;
  }
};

static double sum(const Value &value) {
  double all = value.number;
  for (auto &item : value.list) all += sum(*item);
  for (auto &member : value.members) all += sum(*member.second);
  return all;
}

int main() {
  std::string document = "[";
  document.reserve(1700000);
  for (int i = 0; i < 20000; i++) {
    if (i > 0) document += ',';
    document += "{\"id\":";
    document += std::to_string(i);
    document += ",\"name\":\"somebody with a name that is long\",\"marks\":[1,2,3,4]}";
  }
  document += ']';
  auto tree = Parser{document.c_str()}.value();
  return sum(*tree) != 20000.0 * 19999 / 2 + 10 * 20000;
}
