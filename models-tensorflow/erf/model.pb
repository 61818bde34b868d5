
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

ErfErfx*
T0

yIdentityErf*
T0
 
IdentityIdentityy*
T0"ª