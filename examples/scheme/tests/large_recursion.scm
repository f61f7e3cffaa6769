; A recursion without an end is an error like others, and can be caught, again and again.
(define (caught thunk) (call/cc (lambda (k) (with-exception-handler k thunk))))
(define (down n) (+ 1 (down n)))
(write (caught (lambda () (down 0))))
(write (caught (lambda () (down 0))))
(newline)
(define (deep n) (if (= n 0) '() (cons n (deep (- n 1)))))
(write (length (deep 5000)))
(newline)
