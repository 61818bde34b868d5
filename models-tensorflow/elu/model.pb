
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

EluElux*
T0

yIdentityElu*
T0
 
IdentityIdentityy*
T0"ª