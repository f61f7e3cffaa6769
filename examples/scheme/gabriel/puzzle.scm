; puzzle: Baskett's, 18 bricks in a box of 5 by 5 by 5, by trial and error. Vectors that live.
;
; The box lies in a space of 8 by 8 by 8, whose places have one number each; what is around the box
; counts as full.
(define width 8)
(define places (* width width width))
(define (place-of i j k) (+ i (* width (+ j (* width k)))))

(define full (make-vector places #t))
(define left (vector 13 3 1 1))  ; bricks of each shape, by shape

; A way to lay a brick: its shape, its last place, and which places from its first one on it fills.
(define (way shape i-most j-most k-most)
  (let* ((last (place-of i-most j-most k-most)) (fills (make-vector (+ last 1) #f)))
    (do ((i 0 (+ i 1))) ((> i i-most))
      (do ((j 0 (+ j 1))) ((> j j-most))
        (do ((k 0 (+ k 1))) ((> k k-most))
          (vector-set! fills (place-of i j k) #t))))
    (vector shape last fills)))
(define ways
  (list (way 0 3 1 0) (way 0 1 0 3) (way 0 0 3 1) (way 0 1 3 0) (way 0 3 0 1) (way 0 0 1 3)
        (way 1 2 0 0) (way 1 0 2 0) (way 1 0 0 2)
        (way 2 1 1 0) (way 2 1 0 1) (way 2 0 1 1)
        (way 3 1 1 1)))
(define (shape-of way) (vector-ref way 0))

(define (fits? way at)
  (let ((last (vector-ref way 1)) (fills (vector-ref way 2)))
    (let loop ((k 0))
      (or (> k last)
          (and (not (and (vector-ref fills k) (vector-ref full (+ at k)))) (loop (+ k 1)))))))
(define (fill! way at is)
  (let ((last (vector-ref way 1)) (fills (vector-ref way 2)) (shape (shape-of way)))
    (do ((k 0 (+ k 1))) ((> k last))
      (if (vector-ref fills k) (vector-set! full (+ at k) is)))
    (vector-set! left shape ((if is - +) (vector-ref left shape) 1))))
(define (next-empty at)
  (cond ((= at places) #f) ((vector-ref full at) (next-empty (+ at 1))) (else at)))

(define trials 0)
(define (try at)
  (set! trials (+ trials 1))
  (or (not at)
      (let loop ((l ways))
        (and (pair? l)
             (or (and (> (vector-ref left (shape-of (car l))) 0)
                      (fits? (car l) at)
                      (begin (fill! (car l) at #t)
                             (or (try (next-empty at))
                                 (begin (fill! (car l) at #f) #f))))
                 (loop (cdr l)))))))

(do ((i 1 (+ i 1))) ((> i 5))
  (do ((j 1 (+ j 1))) ((> j 5))
    (do ((k 1 (+ k 1))) ((> k 5))
      (vector-set! full (place-of i j k) #f))))
(fill! (car ways) (place-of 1 1 1) #t)
(write (list (try (next-empty 0)) trials (vector->list left)))
(newline)
