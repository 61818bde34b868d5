
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

SoftmaxSoftmaxx*
T0

yIdentitySoftmax*
T0
 
IdentityIdentityy*
T0"ª