
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

Relu6Relu6x*
T0

yIdentityRelu6*
T0
 
IdentityIdentityy*
T0"ª