; ctak: the same where every value is given to a continuation. Each is a copy of the stack.
(define (ctak x y z) (call/cc (lambda (k) (ctak-to k x y z))))
(define (ctak-to k x y z)
  (if (not (< y x))
      (k z)
      (ctak-to k
               (call/cc (lambda (k) (ctak-to k (- x 1) y z)))
               (call/cc (lambda (k) (ctak-to k (- y 1) z x)))
               (call/cc (lambda (k) (ctak-to k (- z 1) x y))))))
(write (ctak 16 12 6))
(newline)
