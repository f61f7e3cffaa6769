(display "begun")
(newline)
(display (list 1 2)
