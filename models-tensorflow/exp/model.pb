
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

ExpExpx*
T0

yIdentityExp*
T0
 
IdentityIdentityy*
T0"ª