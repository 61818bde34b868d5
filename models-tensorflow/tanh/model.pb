
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

TanhTanhx*
T0

yIdentityTanh*
T0
 
IdentityIdentityy*
T0"ª