
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

SqrtSqrtx*
T0

yIdentitySqrt*
T0
 
IdentityIdentityy*
T0"ª