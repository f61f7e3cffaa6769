// tests/findings/leaked_virtual_class.cc -- shapes made by new are dropped without delete.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely make_shape
#include <cmath>

#include "plant.h"

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
};

struct Circle : Shape {
  explicit Circle(double r) : radius(r) {}
  double area() const override { return M_PI * radius * radius; }
  double radius;
};

struct Square : Shape {
  explicit Square(double s) : side(s) {}
  double area() const override { return side * side; }
  double side, padding[4] = {};
};

PLANT Shape *make_shape(int i) {
  Shape *shape;
  if (i % 2 == 0)
    shape = new Circle(i);  // HERE
  else
    shape = new Square(i);  // HERE
  USED(shape);
  return shape;
}

int main() {
  double sum = 0;
  for (int i = 0; i < 300; i++) {
    Shape *shape = make_shape(i);
    sum += shape->area();
#ifdef MENDED
    delete shape;
#endif
  }
  return sum < 0;
}
