
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ

mulMulxx*
T0

ReluRelux*
T0
,
AddNAddNxmulRelu*
N*
T0

yIdentityAddN*
T0
 
IdentityIdentityy*
T0"ª