
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

SquareSquarex*
T0

yIdentitySquare*
T0
 
IdentityIdentityy*
T0"ª