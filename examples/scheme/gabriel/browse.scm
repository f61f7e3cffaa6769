; browse: patterns with ? and * matched against the properties of units. Tables, vectors and strings.
(define seed 21)
(define (random n) (set! seed (remainder (* seed 17) 251)) (remainder seed n))
(define patterns-of-units
  '((a a a b b b b a a a a a b b a a a) (a a b b b b a a (a a) (b b))
    (a a a b (b a) b a b a) (b a b a a b a (b b a) a)))

; An array of units, each a name with a table of properties; in some order that seems random.
(define (make-units count)
  (let ((units (make-vector count)))
    (do ((i 0 (+ i 1))) ((= i count))
      (let ((properties (make-hash-table)) (more (random 5)))
        (hash-table-set! properties 'pattern patterns-of-units)
        (do ((j 0 (+ j 1))) ((= j more))
          (hash-table-set! properties (string->symbol (string-append "p" (number->string j))) i))
        (vector-set! units i (cons (gensym) properties))))
    (do ((i (- count 1) (- i 1))) ((= i 0) units)
      (let* ((j (random (+ i 1))) (kept (vector-ref units i)))
        (vector-set! units i (vector-ref units j))
        (vector-set! units j kept)))))

; Does `pattern` match: ? one item, * any number, ?x and *x the same each time.
(define (first-letter symbol) (string-ref (symbol->string symbol) 0))
(define (matches? pattern items bound)
  (cond ((null? pattern) (null? items))
        ((pair? (car pattern))
         (and (pair? items) (pair? (car items))
              (matches? (car pattern) (car items) bound)
              (matches? (cdr pattern) (cdr items) bound)))
        ((char=? (first-letter (car pattern)) #\?)
         (and (pair? items)
              (let ((known (assq (car pattern) bound)))
                (if known
                    (and (equal? (cdr known) (car items)) (matches? (cdr pattern) (cdr items) bound))
                    (matches? (cdr pattern) (cdr items)
                              (cons (cons (car pattern) (car items)) bound))))))
        ((char=? (first-letter (car pattern)) #\*)
         (let ((known (assq (car pattern) bound)))
           (if known
               (matches? (append (cdr known) (cdr pattern)) items bound)
               (let loop ((taken '()) (rest items))
                 (or (matches? (cdr pattern) rest
                               (cons (cons (car pattern) (reverse taken)) bound))
                     (and (pair? rest) (loop (cons (car rest) taken) (cdr rest))))))))
        (else (and (pair? items) (eq? (car pattern) (car items))
                   (matches? (cdr pattern) (cdr items) bound)))))

(define asked
  '((*a ?b *b ?b a *a a *b *a) (*a *b *b *a (*a) (*b)) (? ? * (b a) * ? ?)))
(define (browse units)
  (let ((hits 0) (looks 0))
    (do ((i 0 (+ i 1))) ((= i (vector-length units)) (list looks hits))
      (for-each
        (lambda (items)
          (for-each
            (lambda (pattern)
              (set! looks (+ looks 1))
              (if (matches? pattern items '()) (set! hits (+ hits 1))))
            asked))
        (hash-table-ref/default (cdr (vector-ref units i)) 'pattern '())))))
(write (browse (make-units 30)))
(newline)
