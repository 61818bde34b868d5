
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ
 
SoftplusSoftplusx*
T0
 
yIdentitySoftplus*
T0
 
IdentityIdentityy*
T0"ª