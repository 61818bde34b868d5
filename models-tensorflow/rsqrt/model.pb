
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

RsqrtRsqrtx*
T0

yIdentityRsqrt*
T0
 
IdentityIdentityy*
T0"ª