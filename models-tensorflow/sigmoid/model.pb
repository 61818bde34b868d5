
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

SigmoidSigmoidx*
T0

yIdentitySigmoid*
T0
 
IdentityIdentityy*
T0"ª