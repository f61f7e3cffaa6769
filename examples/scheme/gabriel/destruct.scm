; destruct: lists that are cut up and joined again by set-car! and set-cdr!. Old objects that are
; stored to.
(define (empties n) (if (= n 0) '() (cons '() (empties (- n 1)))))
(define (join! x y)
  (if (null? x)
      y
      (let loop ((last x))
        (if (null? (cdr last)) (begin (set-cdr! last y) x) (loop (cdr last))))))
(define (fill-all! rows m)
  (for-each-pair
    (lambda (row)
      (if (null? (car row)) (set-car! row (list '())))
      (join! (car row) (empties m)))
    rows))
(define (for-each-pair f l) (if (pair? l) (begin (f l) (for-each-pair f (cdr l)))))

; The second half of a row, cut off; what stays is marked.
(define (cut-half! row mark)
  (let ((half (quotient (length (car row)) 2)))
    (if (= half 0)
        (begin (set-car! row '()) '())
        (let loop ((j half) (at (car row)))
          (if (= j 1)
              (let ((rest (cdr at))) (set-cdr! at '()) rest)
              (begin (set-car! at mark) (loop (- j 1) (cdr at))))))))
; The middle of a row; what is before it is marked.
(define (middle! row mark)
  (let loop ((j (quotient (length (car row)) 2)) (at (car row)))
    (if (= j 0) at (begin (set-car! at mark) (loop (- j 1) (cdr at))))))

(define (destruct n m)
  (let ((rows (empties 10)))
    (do ((i n (- i 1))) ((= i 0) rows)
      (if (null? (car rows))
          (fill-all! rows m)
          (let loop ((one rows) (next (cdr rows)))
            (if (pair? next)
                (let ((at (middle! next i)))
                  (set-cdr! at (cut-half! one i))
                  (loop (cdr one) (cdr next)))))))))
(write (destruct 600 50))
(newline)
