
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

SeluSelux*
T0

yIdentitySelu*
T0
 
IdentityIdentityy*
T0"ª