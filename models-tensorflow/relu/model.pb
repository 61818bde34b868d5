
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

ReluRelux*
T0

yIdentityRelu*
T0
 
IdentityIdentityy*
T0"ª