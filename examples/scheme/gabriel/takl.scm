; takl: the same with numbers as lists of that length.
(define (count-down n) (if (= n 0) '() (cons n (count-down (- n 1)))))
(define (shorter? x y) (and (not (null? y)) (or (null? x) (shorter? (cdr x) (cdr y)))))
(define (takl x y z)
  (if (not (shorter? y x))
      z
      (takl (takl (cdr x) y z) (takl (cdr y) z x) (takl (cdr z) x y))))
(write (length (takl (count-down 18) (count-down 12) (count-down 6))))
(newline)
