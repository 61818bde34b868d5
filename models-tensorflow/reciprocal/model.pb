
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ
$

Reciprocal
Reciprocalx*
T0
"
yIdentity
Reciprocal*
T0
 
IdentityIdentityy*
T0"ª